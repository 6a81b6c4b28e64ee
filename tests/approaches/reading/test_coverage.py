"""What is not read is said: once, in words, with the setting that mends it."""

import pytest

from conftest import INTENT, candidate
from plait.approaches.reading.coverage import Coverage, as_json, from_json, say, share

CUT = Coverage(rows=800, rows_cut=739, characters=10_000, characters_cut=6123)
ALL_READ = Coverage(rows=3, characters=90, tokens=20, spans=4)


def said(capsys: pytest.CaptureFixture[str], found: Coverage, **changes: object) -> str:
    """What `say` prints of train rows; each test trains another `epochs`, so none is repeated."""
    made = candidate(INTENT, **changes)
    say(found, made, "train", "home")
    return capsys.readouterr().err


def test_cut_rows_are_counted_and_both_remedies_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, CUT, max_length=31) == (
        "tiny-intent, home: 739 of 800 train rows are longer than max_length 31: 61.2 % of all "
        "characters are not read. Raise training.max_length, or set options.windows.\n"
    )


def test_where_windows_are_set_a_longer_length_is_the_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = said(capsys, CUT, max_length=30, options={"windows": True})
    assert line.endswith("are not read. Raise training.max_length.\n")


def test_unknown_tokens_and_lost_spans_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = Coverage(rows=900, tokens=3000, tokens_unknown=60, spans=800, spans_lost=12)
    assert said(capsys, found) == (
        "tiny-intent, home: 2.0 % of the tokens of train rows stand for text that the tokenizer "
        "has no token for. Choose a backbone that knows this text. 12 of 800 gold spans of train "
        "rows begin or end inside a token or are outside what is read, so no prediction can equal "
        "them.\n"
    )


def test_a_few_unknown_tokens_are_not_worth_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, Coverage(rows=900, tokens=3000, tokens_unknown=30)) == ""


def test_nothing_is_said_of_rows_that_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, ALL_READ) == ""


def test_a_line_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, CUT, max_length=29)
    assert said(capsys, CUT, max_length=29) == ""


def test_the_first_of_several_ranks_speaks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert said(capsys, CUT, max_length=28) == ""
    monkeypatch.setenv("RANK", "0")
    assert said(capsys, CUT, max_length=28)


@pytest.mark.parametrize(
    "name", ["rows_cut", "characters_cut", "tokens_unknown", "spans_lost", "rows"]
)
def test_complete_is_what_is_cut_unknown_or_lost_nowhere(name: str) -> None:
    assert Coverage(**{name: 1}).complete() == (name == "rows")


def test_a_share_of_some_is_not_none_and_of_nearly_all_is_not_all() -> None:
    counts = [(0, 0), (0, 9), (1, 9999), (1, 3), (9998, 9999), (9, 9)]
    assert [share(*each) for each in counts] == [
        "0 %", "0 %", "0.1 %", "33.3 %", "99.9 %", "100 %",
    ]  # fmt: skip


def test_json_and_back() -> None:
    splits = {"train": {"home": CUT}, "dev": {"home": ALL_READ, "other": CUT}}
    assert from_json(as_json(splits)) == splits
    assert as_json(splits)["train"]["home"]["rows_cut"] == 739
