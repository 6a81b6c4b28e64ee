"""Data as people have it: each folder TOPIC/NAME is one case, with its files and its `case.yaml`.

    dataset: {reader: table, files: [{path: data.csv}], labels: {topic: label}}
    tasks: {topic: {dataset: case, kind: classification, field: topic}}
    validation: {rules: {label_support: error}}  # optional, as in params.yaml
    rows: 12                          # rows that the reader gives
    values: {data-000003: {text: …, topic: …, split: …}}  # of some rows, by id
    findings: [label_conflict]        # rules that fail; a critical one must be among them
    says: [substring, …]              # on stdout or stderr, of the run and of `validate FILE`
    least: {topic: 0.9}               # what the headline metric of a task reaches
    error: [substring, …]             # of the one error that refuses the data

Paths are relative to the folder; pins are filled in. A case runs from fetch to benchmark, and its
file alone through `plait validate FILE` if the options of that command can say what its settings
do.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from plait.commands.validate import validate as validate_command
from plait.datasets.formats.saying import say
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.experiment.schema import Experiment
from plait.files import read_json, read_jsonl, write_json
from plait.preparation.fetching import fetch
from plait.preparation.preparing import prepare
from plait.sources.local import pin
from plait.stages.benchmark import main as benchmark
from plait.stages.train import train
from plait.tasks import row_to_json

HERE = Path(__file__).parent
KEYS = {"dataset", "tasks", "validation", "rows", "values", "findings", "says", "least", "error"}
ALWAYS_THERE = {"reader", "files"}
OPTIONS = {"text", "labels", "spans", "split", "id"}
CASES = sorted(path.parent for path in HERE.glob("*/*/case.yaml"))


def params(case: dict[str, Any]) -> dict[str, Any]:
    """An experiment with the dataset of a case, its tasks and one candidate, in this folder."""
    files = [{"sha256": pin(f["path"]), **f} for f in case["dataset"]["files"]]
    candidate = {"backbone": "tfidf", "approach": "linear", "tasks": list(case["tasks"])}
    return {
        "seed": 1,
        "datasets": {"case": {**case["dataset"], "files": files}},
        "tasks": case["tasks"],
        "backbones": {"tfidf": {"kind": "none"}},
        "training": {},
        "validation": case.get("validation", {}),
        "candidates": {"floor": candidate},
        "services": {},
    }


def rows_read(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """Id → split, text and labels of each row that the reader gives."""
    found = experiment.datasets["case"].read(Path("data/case"), experiment.seed)
    plain = {row.id: (split, row_to_json(row)) for split, row in found}
    return {
        name: {"split": split, "text": row["text"], **row["labels"]}
        for name, (split, row) in plain.items()
    }


def findings(report: Path) -> dict[str, bool]:
    """Rule that failed → whether a critical check of it did."""
    found: dict[str, bool] = {}
    for result in read_json(report)["results"]:
        if not result["passed"]:
            found[result["rule"]] = found.get(result["rule"], False) or (
                result["severity"] == "critical"
            )
    return found


def check_rows(case: dict[str, Any], experiment: Experiment) -> None:
    found = rows_read(experiment)
    assert len(found) == case.get("rows", len(found))
    wanted = case.get("values", {})
    shown = {
        name: {field: found[name][field] for field in wanted[name]}
        for name in wanted
        if name in found
    }
    assert shown == wanted, f"ids: {', '.join(list(found)[:5])}, …"


def run(case: dict[str, Any]) -> None:
    """From fetch to benchmark; raises the error that a stage or `plait validate` gives."""
    write_json(Path("params.yaml"), params(case))
    Path("dvc.yaml").touch()
    experiment = load()
    fetch(experiment, Path("data"), Path("weights"))
    prepare(experiment, *(Path(name) for name in ("data", "prepared", "inputs", "heldout")))
    check_rows(case, experiment)
    failed = False
    try:
        validate_command()
    except typer.Exit:
        failed = True
    found = findings(Path("validation/report.json"))
    assert set(case.get("findings", ())) <= set(found)
    assert {rule for rule, critical in found.items() if critical} <= set(case.get("findings", ()))
    if not failed:
        check_scores(case, experiment)


def check_scores(case: dict[str, Any], experiment: Experiment) -> None:
    """Train and benchmark; every held-out row has a prediction."""
    train("floor")
    benchmark("floor")
    held = [row["id"] for row in read_jsonl(Path("heldout/floor/case.jsonl"))]
    assert held
    assert [line["id"] for line in read_jsonl(Path("predictions/floor/case.jsonl"))] == held
    scores = read_json(Path("scores/floor.json"))
    for task, least in case.get("least", {}).items():
        assert scores[task][experiment.tasks[task].headline()] >= least


def stands_alone(dataset: dict[str, Any]) -> bool:
    """Whether the options of `plait validate FILE` can say what the settings do."""
    files = dataset["files"]
    return (
        len(files) == 1 and set(files[0]) == {"path"} and set(dataset) <= {*OPTIONS, *ALWAYS_THERE}
    )


def run_alone(dataset: dict[str, Any]) -> None:
    """`plait validate FILE`; its verdict may be another, as it splits the rows by chance."""
    with suppress(typer.Exit):
        validate_command(
            Path(dataset["files"][0]["path"]),
            text_field=dataset.get("text", "text"),
            label_field=list(dict.fromkeys(dataset.get("labels", {}).values())),
            spans_field=list(dict.fromkeys(dataset.get("spans", {}).values())),
            split_field=dataset.get("split"),
            id_field=dataset.get("id"),
        )


def refused(step: Callable[[], None], parts: list[str]) -> None:
    """One error with all of these substrings, and no path of plait's own copies."""
    with pytest.raises(PlaitError) as caught:
        step()
    for part in parts:
        assert part in str(caught.value)
    assert "plait-validate-" not in str(caught.value)


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the case's folder, as the working folder."""
    shutil.copytree(request.param, tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    monkeypatch.setenv("COLUMNS", "400")
    say.cache_clear()  # what was said of the last case's data.csv
    return tmp_path / "case"


@pytest.mark.parametrize(
    "folder", CASES, indirect=True, ids=lambda path: path.relative_to(HERE).as_posix()
)
def test_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    assert set(case) <= KEYS, "a misspelt key would check nothing"
    alone = [partial(run_alone, case["dataset"])] if stands_alone(case["dataset"]) else []
    for step in (partial(run, case), *alone):
        if "error" in case:
            refused(step, case["error"])
        else:
            step()
    said = "".join(capsys.readouterr())
    for part in case.get("says", ()):
        assert part in said


def test_there_are_cases() -> None:
    assert {path.parent.name for path in CASES} >= {"files"}
