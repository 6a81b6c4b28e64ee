"""`plait predict FILE --out OUT`: how a file is told from a text, and what is said."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from answered_files import TEXTS, read, write
from plait.cli import app
from plait.errors import PlaitError
from plait.plans.promotion import promote
from production import experiment, measure


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("promoted")
    measure(folder)
    promote(experiment(), folder)
    return folder


@pytest.fixture(autouse=True)
def here(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder without data; the registry is that of the project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_REGISTRY", str(root / "registry"))


def predict(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["predict", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout, result.stderr


def refused(*arguments: str) -> str:
    with pytest.raises(PlaitError) as error:
        predict(*arguments)
    return str(error.value)


def test_a_file_is_answered() -> None:
    rows = [{"body": text, "n": str(i)} for i, text in enumerate([*TEXTS[:3], " "])]
    write(Path("in.csv"), rows)
    said, _ = predict("in.csv", "--out", "out.jsonl", "--text", "body", "--service", "assistant")
    first, second = said.splitlines()
    assert first.startswith("out.jsonl: 4 rows, answered by assistant, record 1 (consolidated), ")
    assert second == "1 rows without an answer: line 5: no visible character"
    found = read(Path("out.jsonl"))
    assert [row["n"] for row in found] == ["0", "1", "2", "3"]
    said, _ = predict(TEXTS[0], "--json")
    assert found[0]["slots"] == json.loads(said)["answers"]["slots"]


def test_a_text_that_looks_like_a_name_is_a_text_until_a_file_has_that_name() -> None:
    said, _ = predict("lamp.csv")
    assert said.startswith("lamp.csv\n  intent: ")
    write(Path("lamp.csv"), [{"text": "on"}])
    assert refused("lamp.csv") == (
        "lamp.csv: found a file. Name the output, too: `--out answers.csv`."
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.csv", "--out", "out.csv"], "no.csv: no such file."),
        (["--out", "out.csv"], "--out: found no FILE to answer"),
        (["in.txt", "--out", "out.csv"], "in.txt: the input ends with none of .csv, .tsv, .jsonl"),
        (["in.csv", "--out", "out.xlsx"], "out.xlsx: --out ends with none of .csv, .tsv, .jsonl"),
        (["in.csv", "--out", "out.csv", "--service", "x"], "service 'x' has no champion"),
    ],
)
def test_what_is_refused(arguments: list[str], said: str) -> None:
    write(Path("in.csv"), [{"text": "on"}])
    Path("in.txt").write_text("on")
    assert said in refused(*arguments)
    assert sorted(path.name for path in Path().iterdir()) == ["in.csv", "in.txt"]


@pytest.mark.parametrize("option", [["--text", "x"], ["--restart"], ["--on-bad-row", "skip"]])
def test_options_of_files_need_a_file(option: list[str]) -> None:
    assert f"{option[0]} is for files: name the output, too" in refused("lamp on", *option)


def test_the_help_teaches() -> None:
    said, _ = predict("--help")
    for word in ("--out", "--text", "--on-bad-row", "--restart", "--processes", "docs/batch.md"):
        assert word in said
