"""CSV as spreadsheets and people write it: quotes, delimiters, headers, line ends."""

import csv
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from formats import numbers, rows, written
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.saying import say
from plait.datasets.table_files import records
from plait.errors import PlaitError

PAIR = [{"text": "hi, you", "label": "x"}, {"text": "bye", "label": "y"}]


def notes(count: int, quoted: dict[int, str] | None = None) -> list[str]:
    """Lines of a file with a header; `quoted` replaces some of them, by the row's number."""
    lines = [f"note {i} about something,{'abc'[i % 3]}" for i in range(1, count + 1)]
    for number, line in (quoted or {}).items():
        lines[number - 1] = line
    return ["text,label", *lines]


@pytest.mark.parametrize(("first", "last"), [(51, 81), (51, 52), (1, 300), (299, 300)])
def test_a_quote_that_swallows_rows_is_an_error(tmp_path: Path, first: int, last: int) -> None:
    lines = notes(300, {first: '"note it,a', last: 'it is noted",b'})
    path = written(tmp_path, "\n".join(lines).encode())
    message = rf"line {first + 1}: a quoted cell goes on to line {last + 1} and holds what looks"
    with pytest.raises(PlaitError, match=message):
        rows(path)
    assert len(rows(path, quoting="none")) == 300, "the remedy that the error gives"


def test_the_swallowing_cell_may_stand_in_any_column(tmp_path: Path) -> None:
    lines = [f"{i};{'ab'[i % 2]};note {i};2024" for i in range(40)]
    lines[10:12] = ['10;a;"note it;2024', '11;b;it is noted";2024']
    path = written(tmp_path, "\n".join(["id;label;text;year", *lines]).encode())
    with pytest.raises(PlaitError, match=r"line 12: a quoted cell goes on to line 13"):
        rows(path, delimiter=";")


def test_values_that_never_repeat_give_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether `n12` is a label or a word nobody can know: every label occurs once."""
    say.cache_clear()
    lines = [f"note {i},n{i}" for i in range(40)]
    lines[10], lines[14] = '"note it,n10', 'it is noted",n14'
    path = written(tmp_path, "\n".join(["text,label", *lines]).encode())
    assert len(rows(path)) == 36
    assert f"warning: {path}, line 12: a quoted cell goes on to line 16" in capsys.readouterr().err


def test_cells_of_several_lines_are_no_swallowed_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say.cache_clear()
    letters = [
        "Dear Ann,\nthank you, and",
        "Dear Bob,\r\nbye",
        "a,b,c\nd,e,f\n",
        "\n\n",
        "Hi\nthere",
    ]
    with (tmp_path / "rows.csv").open("w", newline="") as stream:
        lines = [line.split(",") for line in notes(30)]
        csv.writer(stream).writerows([*lines, *([letter, "a"] for letter in letters)])
    found = rows(tmp_path / "rows.csv")
    assert [row["text"] for row in found[30:]] == letters
    assert capsys.readouterr().err == ""


def test_line_ends_in_a_cell_are_kept_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, b'text,label\r\n"put the\r\nkettle\ron\n",x\r\n')
    assert rows(path) == [{"text": "put the\r\nkettle\ron\n", "label": "x"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_and_the_number_that_an_editor_shows(tmp_path: Path, end: str) -> None:
    lines = ["text,label", "one,x", f'"two{end}lines",x', "", "three,y", "four,x,z"]
    path = written(tmp_path, end.join(lines[:-1]).encode())
    assert numbers(path) == [2, 3, 6]
    assert rows(path)[1]["text"] == f"two{end}lines"
    with pytest.raises(PlaitError, match="line 7: found 3 cells, expected 2"):
        rows(written(tmp_path, end.join(lines).encode()))


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (b"text;label\nhi, you;x\nbye;y\n", {"delimiter": ";"}),
        (b"text\tlabel\nhi, you\tx\nbye\ty\n", {"delimiter": "\t"}),
        (b'text, label\n"hi, you", x\nbye, y\n', {"delimiter": ", "}),
        (b"text||label\nhi, you||x\nbye||y\n", {"delimiter": "|"}),
        (b"sep=;\r\ntext;label\r\nhi, you;x\r\nbye;y\r\n", {}),
        (b'"sep=\t"\ntext\tlabel\nhi, you\tx\nbye\ty\n', {}),
        (b"\xef\xbb\xbfsep=;\ntext;label\nhi, you;x\nbye;y\n", {}),
        (b'\xef\xbb\xbf\xef\xbb\xbftext,label\n"hi, you",x\nbye,y\n', {}),
        (b'"hi, you",x\nbye,y\n', {"header": False, "columns": ["text", "label"]}),
        (b'text,label,,,\n"hi, you",x,,,\nbye,y,,,\n', {}),
        (b'text,label,,\n"hi, you",x\nbye,y, ,\n', {}),
        (b',text,label\n0,"hi, you",x\n1,bye,y\n', {}),
        (b'\n\ntext,label\n"hi, you",x\nbye,y\n', {}),
    ],
)
def test_dialects(tmp_path: Path, content: bytes, settings: dict[str, Any]) -> None:
    assert rows(written(tmp_path, content), **settings) == PAIR


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"text;label\nhi;x\n",
            r"line 1: column 'text': columns are 'text;label'. The delimiter "
            r"looks like ';': set `delimiter: \";\"`",
        ),
        (
            b"text\tlabel\nhi\tx\n",
            r"'text\\tlabel'. The delimiter looks like '\\t': set `delimiter",
        ),
        (
            b"text, label\nhi, x\n",
            r"column 'label': columns are 'text', ' label'. Did you mean ' l",
        ),
        (b"Text,label\nhi,x\n", r"column 'text': columns are 'Text', 'label'. Did you mean 'Text'"),
        (
            b"text,lable\nhi,x\n",
            r"column 'label': columns are 'text', 'lable'. Did you mean 'lable",
        ),
        (
            b"hi there,x\nbye,y\n",
            r"columns are 'hi there', 'x'. If this line is a row, set `header: "
            "false` and `columns`",
        ),
        (
            b"text,label,,\nhi,x,,\nbye,you,,y\n",
            r"line 3: cell 4 holds 'y', but its column has no "
            "name",
        ),
    ],
)
def test_what_is_not_as_expected_is_quoted(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(PlaitError, match=message):
        list(records(path, wanted=("text", "label")))


def test_quotes_can_be_characters(tmp_path: Path) -> None:
    path = written(tmp_path, b'text\tlabel\n"never" ends\tx\n5" disk\ty\n"\tx\n', "rows.tsv")
    assert [row["text"] for row in rows(path, quoting="none")] == ['"never" ends', '5" disk', '"']
    with pytest.raises(PlaitError, match=r"line 2: not valid CSV .*set `quoting: none`"):
        rows(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delimiter": "::"}, "'::' is no delimiter; expected one character"),
        ({"delimiter": '"'}, "is no delimiter"),
        ({"encoding": "utf-9"}, "'utf-9' is no encoding; for example utf-8"),
        ({"encoding": "rot13"}, "'rot13' is no encoding of text files"),
        ({"header": False}, "`header: false` needs `columns`"),
        ({"columns": ["a"]}, "`columns` needs `header: false`"),
        ({"header": False, "columns": ["a", "a"]}, "`columns` has a name twice"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Layout(**settings)


def test_suffixes_in_any_case(tmp_path: Path) -> None:
    assert rows(written(tmp_path, b'text,label\n"hi, you",x\nbye,y\n', "ROWS.CSV")) == PAIR
