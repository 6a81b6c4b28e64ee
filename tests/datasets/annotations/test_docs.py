"""The examples of docs/data.md are read as they stand there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.datasets.annotations.reader import Annotations
from projects import REPOSITORY

PAGE = (REPOSITORY / "docs/data.md").read_text(encoding="utf-8")
_, _, EXPORTS = PAGE.partition("\n## Exports of annotation tools\n")
EXAMPLES = re.findall(
    r"\n### ([^\n]+)\n\n```\n(.+?)```\n\n```yaml\n(.+?)```",
    EXPORTS.partition("\n## ")[0],
    re.DOTALL,
)


def test_every_format_has_an_example() -> None:
    assert len(EXAMPLES) == 8


@pytest.mark.parametrize(("heading", "content", "section"), EXAMPLES, ids=lambda each: each[:8])
def test_an_example(heading: str, content: str, section: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = next(iter(yaml.safe_load(section)["datasets"].values()))
    name = Path(settings["files"][0]["path"]).name
    (tmp_path / name).write_text(content, encoding="utf-8")
    reader = Annotations.model_validate({**settings, "files": [{"path": name}]})
    ((_, row),) = reader.read(tmp_path, 0)
    found = {
        each if isinstance(each, str) else (row.text[each[0].start : each[0].end], each[0].label)
        for each in row.labels.values()
        if each
    }
    assert len(found) == len(row.labels), "each field has its label or its span"
    assert found <= {"turn_on", ("lamp", "thing"), ("New York", "place")}
