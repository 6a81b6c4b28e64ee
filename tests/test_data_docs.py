"""docs/data.md: params.yaml accepts every example and every setting in its tables."""

import re
from typing import Any

import pytest

from plait import strict_yaml
from plait.commands.validate import validate
from plait.datasets.annotations.formats import NAMES
from plait.datasets.annotations.reader import Annotations
from plait.datasets.table import Table
from plait.experiment.loading import SECTIONS, check
from projects import REPOSITORY

PAGE = (REPOSITORY / "docs/data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
CELLS = re.findall(r"^\| [^|`]+ \| (.*`.+) \|$", PAGE, re.MULTILINE)
PIN = "a" * 64
SETTING = re.compile(r"\w+: \S.*")
WHOLE: dict[str, Any] = {
    "reader": "table",
    "files": [{"path": "a.csv"}],
    "labels": {"team": "team"},
}


def experiment(text: str) -> dict[str, Any]:
    """The sections of an example; lines of a data set alone belong to one called `tickets`."""
    text = text.replace("…", PIN)
    if not text.startswith("datasets:"):
        named = re.search(r"dataset: (\w+)", text)
        text = f"datasets:\n  {named[1] if named else 'tickets'}:\n{text}"
    return dict(strict_yaml.parse(text))


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_loads(text: str) -> None:
    sections = experiment(text)
    ((name, given),) = sections["datasets"].items()
    if "reader" not in given:
        fields = {"labels", "label_sets", "spans"} & given.keys()
        given = {**WHOLE, **({"labels": {}} if fields else {}), **given}
    found = check(
        {**{each: {} for each in SECTIONS}, "seed": 0, **sections, "datasets": {name: given}},
        "docs/data.md",
    )
    for setting in given:
        assert setting in found.datasets[name].model_fields_set


def settings() -> list[str]:
    """Each setting that a cell of a table names."""
    named = (code for cell in CELLS for code in re.findall(r"`([^`]+)`", cell))
    return sorted({code for code in named if SETTING.fullmatch(code)})


@pytest.mark.parametrize("code", settings())
def test_a_setting_of_a_table_is_accepted(code: str) -> None:
    given = dict(strict_yaml.parse(code.replace("COMMIT", "a" * 40)))
    if "hub" in given:
        given["hub"]["type"] = "dataset"  # other tables are about weights
    if given.keys() & {"header", "columns"}:
        given = {"header": False, "columns": ["text", "team"], **given}
    Table.model_validate({**WHOLE, **given})


def test_the_tables_name_settings() -> None:
    assert len(settings()) > 12
    assert len(EXAMPLES) == 14


@pytest.mark.parametrize("reader", [Table, Annotations])
def test_every_setting_of_a_reader_is_named(reader: type[Table]) -> None:
    missing = [name for name in reader.model_fields if not re.search(rf"\b{name}\b", PAGE)]
    assert missing == []


def test_every_format_and_every_option_is_named() -> None:
    assert [name for name in NAMES if f"`{name}`" not in PAGE] == []
    options = {"--set", *(f"--{name.replace('_', '-')}" for name in validate.__annotations__)}
    ours = options - {"--file", "--settings", "--page", "--accept", "--return"}
    assert [name for name in sorted(ours) if name not in PAGE] == []
