"""`plait data inspect` and `plait data add`, as they are typed."""

from pathlib import Path

import pyarrow
import pytest
import yaml
from pyarrow import parquet
from typer.testing import CliRunner

import projects
from exports import EXPORTS, Annotated
from mine import tickets, write_commands, write_csv
from plait.cli import app
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.preparation.trial import try_out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def plait(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_inspect_prints_a_section_that_reads_the_file(folder: Path) -> None:
    write_csv(folder / "tickets.csv", tickets())
    said = plait("data", "inspect", "tickets.csv")
    for part in (
        "tickets.csv: CSV, commas between cells, UTF-8",
        "240 rows",
        "│ team   │ label",
        "checks on 1 dataset passed.",
        "`plait data add tickets.csv`",
    ):
        assert part in said
    section = yaml.safe_load(said[said.index("datasets:") : said.index("Passed")])
    assert section["tasks"] == {
        "team": {"dataset": "tickets", "kind": "classification", "field": "team"}
    }
    assert try_out(section, "test").verdict == "passed"
    assert [each.name for each in folder.iterdir()] == ["tickets.csv"]


def test_inspect_takes_a_pattern_of_several_labels(folder: Path) -> None:
    sets = (["late", "urgent"], ["late"], ["rude"], ["rude", "urgent"])
    rows = [{"body": row["body"], "tags": sets[i % 4]} for i, row in enumerate(tickets())]
    (folder / "mails").mkdir()
    for index in range(2):
        part = pyarrow.Table.from_pylist(rows[index::2])
        parquet.write_table(part, folder / f"mails/part-{index}.parquet")
    for named in ("mails/part-*.parquet", "mails"):
        said = plait("data", "inspect", named)
        assert "240 rows" in said
        section = yaml.safe_load(said[said.index("datasets:") : said.index("Passed")])
        assert section["datasets"]["mails"]["label_sets"] == {"tags": {"column": "tags"}}
        assert section["tasks"]["tags"]["kind"] == "multilabel"
        assert try_out(section, "test").verdict == "passed"
    with pytest.raises(PlaitError, match="mails: is no single file"):
        plait("new", "project", "--data", "mails", "--floor-only")
    assert not (folder / "project").exists()


def test_inspect_shows_what_the_checks_find(folder: Path) -> None:
    rows = tickets(60)
    for row in rows[::2]:
        row["body"] = "n/a"
    write_csv(folder / "tickets.csv", rows)
    done = CliRunner().invoke(app, ["data", "inspect", "tickets.csv", "--name", "mine"])
    assert "warning: text_placeholder: " in done.output
    assert "critical: text_in_train_share: " in done.output, "the same text in all splits"
    assert done.exit_code == 2
    assert "  mine:\n    reader: table" in done.output


def test_add_writes_the_section_and_keeps_the_rest(folder: Path) -> None:
    (folder / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    params = folder / "params.yaml"
    params.write_bytes((projects.REPOSITORY / "experiments/default.yaml").read_bytes())
    before = params.read_text(encoding="utf-8")
    write_commands(folder / "commands.jsonl")
    said = plait("data", "add", "commands.jsonl", "--name", "commands")
    assert "Next: name cats, entities in a candidate and a service." in said
    found = load(params)
    assert found.datasets["commands"].reader == "annotations"
    assert found.tasks["entities"].kind == "tagging"
    assert set(before.splitlines()) <= set(params.read_text(encoding="utf-8").splitlines())
    plait("data", "add", "commands.jsonl", "--name", "again")
    assert load(params).tasks["again-cats"].dataset == "again", "a taken name gets a prefix"
    after = params.read_bytes()
    with pytest.raises(PlaitError, match=r"datasets\.again is there already"):
        plait("data", "add", "commands.jsonl", "--name", "again")
    assert params.read_bytes() == after


def test_a_faulty_row_is_named_in_the_users_file_and_nothing_is_written(folder: Path) -> None:
    (folder / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    (folder / "params.yaml").write_text(yaml.safe_dump(projects.EMPTY), encoding="utf-8")
    before = (folder / "params.yaml").read_bytes()
    rows = [Annotated(f"lamp {n}", "ab"[n % 2], ((0, 99 if n == 7 else 4, "x"),)) for n in range(9)]
    EXPORTS["doccano"].write(folder / "export.jsonl", rows)
    with pytest.raises(PlaitError, match=r"export\.jsonl, line 8: column 'entities'") as caught:
        plait("data", "add", "export.jsonl")
    assert "plait-trial-" not in str(caught.value)
    assert (folder / "params.yaml").read_bytes() == before
