"""`plait validate my.csv`: a user's own file, before any set-up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from plait.commands.validate import validate as command
from plait.errors import PlaitError
from plait.preparation.own_file import Columns, check_file
from posts import LABELS, rows


def write(folder: Path, name: str = "My Notes.csv", more: str = "") -> Path:
    path = folder / name
    kinds = ["question", "answer"]
    lines = [f"{kinds[i % 2]},this is note number {i} of a {kinds[i % 2]}" for i in range(120)]
    path.write_text("Team,body\n" + "\n".join(lines) + "\n" + more, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without params.yaml, dvc.yaml or git."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sound_file_passes_and_leaves_its_page_alone(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(write(nowhere), text_field="body", label_field=["Team"])
    shown = capsys.readouterr().out
    assert "Passed: all " in shown
    assert "Page: My Notes.csv.validation.html" in shown
    assert sorted(path.name for path in nowhere.iterdir()) == [
        "My Notes.csv",
        "My Notes.csv.validation.html",
    ]
    assert "question" in (nowhere / "My Notes.csv.validation.html").read_text(encoding="utf-8")


def test_faults_are_shown_and_status_is_2(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(nowhere, more='question,"  "\nanswer,caf\u00c3\u00a9 au lait s\'il vous plait\n')
    with pytest.raises(typer.Exit) as exit_:
        command(path, text_field="body", label_field=["Team"], page=nowhere / "p.html")
    assert exit_.value.exit_code == 2
    shown = capsys.readouterr().out
    assert "text_empty" in shown
    assert "text_mojibake" in shown
    assert (nowhere / "p.html").is_file()


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("no.csv", Columns("body", ("Team",)), "no.csv: no such file (looked in"),
        ("a.csv", Columns("body", ()), "no column of labels is named. Add --label-field COLUMN"),
        (
            "a.csv",
            Columns("text", ("Team",)),
            "a.csv, line 1: column 'text': columns are 'Team', 'b",
        ),
        (
            "a.csv",
            Columns("body", ("Tem",)),
            "a.csv, line 1: column 'Tem': columns are 'Team', 'bo",
        ),
        ("a.txt", Columns("body", ("Team",)), "a.txt' ends with none of .csv, .tsv, .jsonl"),
    ],
)
def test_mistakes_are_one_clear_error(
    nowhere: Path, name: str, columns: Columns, message: str
) -> None:
    if name.startswith("a"):
        write(nowhere, name)
    with pytest.raises(PlaitError) as caught:
        check_file(nowhere / name, columns)
    assert message in str(caught.value)
    assert "plait-validate-" not in str(caught.value), "no path of a temporary folder"


def test_every_column_is_a_task_of_its_own(nowhere: Path) -> None:
    long = "x" * 90
    columns = ["Team A", "team-a", "Team-A", "team-a-2", "標籤", "团队", "size", long, f"{long}y"]
    rows = [{"text": f"say number {i}", **dict.fromkeys(columns, "ab"[i % 2])} for i in range(60)]
    path = nowhere / "size.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = check_file(path, Columns("text", tuple(columns)))
    names = [task for figures in found.figures.values() for task in figures.support]
    assert names == [
        *("team-a-3", "team-a", "team-a-4", "team-a-2", "column", "column-2", "column-size"),
        *("x" * 80, f"{'x' * 75}-2"),
    ], "a column that is called like a name keeps it"
    assert list(found.figures) == ["file-size"]


def test_a_column_of_labels_and_one_of_spans_may_be_alike(nowhere: Path) -> None:
    path = nowhere / "a.jsonl"
    rows = [
        {"text": f"say number {i}", "Who": "ab"[i % 2], "who": [[0, 3, "verb"]]} for i in range(60)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = check_file(path, Columns("text", ("Who",), ("who",)))
    assert {task for figures in found.figures.values() for task in figures.support} == {
        "who",
        "who-2",
    }


def test_contradictions_between_columns_are_told_all_at_once(nowhere: Path) -> None:
    path = write(nowhere, "a.csv")
    with pytest.raises(PlaitError) as caught:
        check_file(path, Columns("body", ("Team", "Team", "body"), ("who",), "when", "who"))
    assert str(caught.value).splitlines() == [
        f"{path}: 3 mistake(s)",
        "  column 'body' is named by --text-field and --label-field; name it once",
        "  column 'who' is named by --id-field and --spans-field; name it once",
        "  column 'Team' is named by --label-field and --label-field; name it once",
    ]
    with pytest.raises(PlaitError, match=r"(?s)no column of labels.*by --text-field and --id-fie"):
        check_file(path, Columns("body", (), id="body"))


def test_pages_of_files_with_one_stem_are_two(nowhere: Path) -> None:
    command(write(nowhere, "a.csv"), text_field="body", label_field=["Team"])
    rows = [{"body": f"say number {i}", "Team": "ab"[i % 2]} for i in range(60)]
    (nowhere / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command(nowhere / "a.jsonl", text_field="body", label_field=["Team"])
    pages = {"a.csv.validation.html", "a.jsonl.validation.html"}
    assert {path.name for path in nowhere.glob("*.html")} == pages


def test_the_page_does_not_replace_the_file(nowhere: Path) -> None:
    path = write(nowhere, "a.csv")
    before = path.read_bytes()
    with pytest.raises(PlaitError, match=r"--page: .*a\.csv is the file to check; name another"):
        command(path, text_field="body", label_field=["Team"], page=nowhere / "x" / ".." / "a.csv")
    assert path.read_bytes() == before


def test_bytes_that_are_no_utf8_are_named(nowhere: Path) -> None:
    path = write(nowhere, "a.csv")
    path.write_bytes(path.read_bytes() + b"answer,caf\xe9\n")
    with pytest.raises(PlaitError, match=r"a\.csv, line 122: byte 0xe9 at offset \d+ is not UTF-8"):
        check_file(path, Columns("body", ("Team",)))


def test_settings_of_the_reader_can_be_given(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = nowhere / "a.csv"
    lines = [f"schöne Notiz {i} “{'ab'[i % 2]}”|{'ab'[i % 2]}" for i in range(60)]
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    given = ["encoding=cp1252", "delimiter=|", "header=false", "columns=[body, Team]"]
    command(path, text_field="body", label_field=["Team"], settings=given)
    assert "Passed" in capsys.readouterr().out
    for wrong, message in (
        ("delimiter=;;", "datasets.a.delimiter: ';;' is no delimiter"),
        ("delimiter", "--set delimiter: expected NAME=VALUE"),
        ("columns=[body", r"--set columns=[body: the value is not YAML (while parsing"),
        ("delimeter=;", "datasets.a.delimeter"),
    ):
        with pytest.raises(PlaitError) as caught:
            check_file(path, Columns("body", ("Team",)), settings=[wrong])
        assert message in str(caught.value)


def test_splits_of_a_column_are_checked_for_leaks(nowhere: Path) -> None:
    path = nowhere / "said.jsonl"
    lines = [
        f'{{"text": "say number {i} of {part}", "label": "{"ab"[i % 2]}", "part": "{part}"}}'
        for part in ("train", "dev", "test")
        for i in range(30)
    ]
    lines[-1] = '{"text": "SAY number 3 of train!", "label": "b", "part": "test"}'
    path.write_text("\n".join(lines), encoding="utf-8")
    found = check_file(path, Columns("text", ("label",), split="part"))
    assert [r.rule for r in found.failed("warning")] == ["near_in_train"]
    assert found.leaks == {"said": {"exact": [], "near": ["said-000090"]}}


def said(path: Path, labels: int, each: int) -> Path:
    rows = [
        {"text": f"say number {i} of {label}", "label": f"l{label}"}
        for label in range(labels)
        for i in range(each)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("labels", "each", "counts"),
    [
        (50, 4, {"train": 135, "dev": 15, "heldout": 50}),
        (30, 2, {"train": 43, "dev": 5, "heldout": 12}),
        (2, 3, {"train": 3, "dev": 1, "heldout": 2}),
        (2, 60, {"train": 86, "dev": 10, "heldout": 24}),
    ],
)
def test_small_labels_give_rows_to_every_split(
    nowhere: Path, labels: int, each: int, counts: dict[str, int]
) -> None:
    found = check_file(said(nowhere / "a.jsonl", labels, each), Columns("text", ("label",)))
    (figures,) = found.figures.values()
    assert figures.rows == counts
    assert found.failed("critical") == []


def test_labels_of_one_row_are_one_cause_for_each_split(nowhere: Path) -> None:
    found = check_file(said(nowhere / "a.jsonl", 20, 1), Columns("text", ("label",)))
    assert [each.sentence for each in found.failed("critical")] == [
        f"{split} has 0 rows; at least 1 is needed. Mark rows as {split} in the source, or add "
        "rows: drawn rows leave each label at least one train row."
        for split in ("dev", "held-out")
    ]


def test_shares_of_splits_are_options(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = said(nowhere / "a.jsonl", 2, 50)
    found = check_file(path, Columns("text", ("label",)), dev=0.3, heldout=0.5)
    (figures,) = found.figures.values()
    assert figures.rows == {"train": 34, "dev": 16, "heldout": 50}
    command(path, label_field=["label"], dev=0.3, heldout=0.5)
    assert "Passed" in capsys.readouterr().out
    with pytest.raises(PlaitError) as caught:
        check_file(path, Columns("text", ("label",)), dev=0, heldout=1.5)
    assert "--dev: found 0, expected a share of the rows between 0 and 1" in str(caught.value)
    assert "--heldout: found 1.5, expected" in str(caught.value)


@pytest.mark.parametrize(
    "texts",
    [("😀😃🥳", "😢😭😞"), ("a b c", "x y z"), ("👍🏽❤️", "🇩🇪 👩‍👩‍👧")],
)
def test_texts_without_words_are_seen(nowhere: Path, texts: tuple[str, str]) -> None:
    parts = [text.split() or [text] for text in texts]
    rows = [
        {"text": f"{texts[i % 2]} {parts[i % 2][0]}" * (1 + i % 9), "label": "ab"[i % 2]}
        for i in range(27)
    ]
    path = nowhere / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = check_file(path, Columns("text", ("label",)))
    assert not [each for each in found.results if "proves nothing" in each.sentence]
    assert not {each.rule for each in found.results if not each.passed} & {
        "text_placeholder",
        "text_script",
    }


def test_from_the_shell(nowhere: Path) -> None:
    write(nowhere, "a.csv", "question,\x00\n")
    options = ["--text-field", "body", "--label-field", "Team"]
    done = subprocess.run(
        [sys.executable, "-m", "plait.cli", "validate", "a.csv", *options],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "text_nul" in done.stdout
    assert "Page: a.csv.validation.html" in done.stdout
    assert "Traceback" not in done.stderr


def test_several_labels_a_row_are_examined_one_by_one(nowhere: Path) -> None:
    path = nowhere / "posts.csv"
    lines = [f'"{row.text} ({row.id})",{"|".join(row.labels["topics"] or ())}' for row in rows(160)]
    path.write_text("\n".join(["text,tags", *lines]) + "\n", encoding="utf-8")
    found = check_file(path, Columns("text", (), label_sets=("tags",), separator="|"))
    support = {each["name"] for each in found.figures["posts"].support["tags"]}
    assert support == set(LABELS)
    assert {r.rule for r in found.results if r.task == "tags" and not r.passed} == {"label_null"}
    with pytest.raises(
        PlaitError, match=r"column 'tags': found 'food', expected a JSON list of labels"
    ):
        check_file(path, Columns("text", (), label_sets=("tags",)))
    with pytest.raises(PlaitError, match="--separator: stands between the labels of --label-set"):
        check_file(path, Columns("text", ("tags",), separator="|"))
    command(path, label_set_field=["tags"], separator="|")
    assert (nowhere / "posts.csv.validation.html").is_file()
