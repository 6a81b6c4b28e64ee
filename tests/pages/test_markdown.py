"""Others' text in Markdown means nothing but itself; markdown-it says how Markdown is read."""

import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from plait.approaches.loading import approach
from plait.bundle import card
from plait.files import read_json, write_json
from plait.pages.markdown import escape
from plait.report.tables import markdown
from plait.stages.report import main as report_stage
from plait.validation.engine import Result
from plait.validation.report import Report, summary
from reports import root
from small import INTENT, candidate

__all__ = ["root"]
HOSTILE = (
    "<img src=x onerror=alert(1)>", "a|b", "`rm -rf`", "**loud** and _soft_", "[here](http://e.vil)",
    "![x][y]", "[y]: http://e.vil", "two\nlines\n\n# and a heading", "- item", "1. one", "> said",
    "~~gone~~", "&lt;b&gt;", "back\\slash\\", "http://e.vil/a", "snake_case_name", "\x1b[31mred",
    "<!-- hidden", "***", "---", "===", "| a |", "$x$", "\\",
)  # fmt: skip
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXT = st.text(st.sampled_from("ab1 _*`|<>[]()!\\#~&;:/-+=.\n\t$\u2028é"), min_size=1)


def one_line(text: str) -> str:
    """Plain text as one line of Markdown can show it at best."""
    return " ".join("".join(" " if ord(c) < 32 or c in "\x7f\u2028" else c for c in text).split())


@given(TEXT)
@pytest.mark.parametrize("frame", ["{}", "- {}", "**a**: {}", "# {}"])
def test_any_text_is_read_as_text(frame: str, text: str) -> None:
    tokens = READER.parse(frame.format(escape(text)) or "-")
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close"}
    blocks = [token.type for token in tokens if token.nesting >= 0]
    expected = [token.type for token in READER.parse(frame.format("x")) if token.nesting >= 0]
    if one_line(text):
        assert blocks == expected
        shown = "".join(t.content for token in tokens for t in token.children or [])
        assert one_line(shown.removeprefix("a: ")) == one_line(text)


@given(st.lists(TEXT, min_size=1, max_size=3))
@example(list(HOSTILE[:3]))
def test_a_table_has_its_cells(cells: list[str]) -> None:
    text = markdown([f"h{i}" for i in range(len(cells))], [cells])
    assert len({len(line) for line in text.split("\n")}) == 1
    tokens = READER.parse(text)
    found = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    assert [one_line("".join(t.content for t in c.children or [])) for c in found] == [
        one_line(cell) for cell in cells
    ]
    assert {t.type for c in found for t in c.children or []} <= {"text", "text_special"}


@pytest.mark.parametrize(
    "text",
    ["snake_case", "84.4 [82.1, 86.0]", "< 0.001", "-0.38", "+1.74", "train@minilm-intent+slots",
     "comp.sys.ibm.pc.hardware", "Intel(R) Xeon(R) CPU @ 2.10GHz", "R&D: 3 > 2"],
)  # fmt: skip
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert escape(text) == text


def test_hostile_labels_through_the_report(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shutil.copytree(root, tmp_path / "project")
    checks = [
        {"dataset": "home", "rule": "labels", "severity": "warning", "passed": False, "count": 1,
         "sentence": f"label {text!s} occurs once."}
        for text in HOSTILE
    ]  # fmt: skip
    write_json(project / "validation/report.json", {"results": checks})
    details = project / "predictions/tfidf-intent/details.json"
    write_json(details, {**read_json(details), "remarks": {"<b>answers</b>|": 12}})
    monkeypatch.chdir(project)
    report_stage()
    text = (project / "report/report.md").read_text(encoding="utf-8")
    tokens = READER.parse(text)
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "code_inline"}
    codes = {c.content for token in tokens for c in token.children or [] if c.type == "code_inline"}
    ours = {"undecided", "undecided: fewer-models", "keep", "fewer-models", "cheaper"}
    assert codes <= ours | {"plait promote --replace REASON"}
    assert "html_block" not in {token.type for token in tokens}
    shown = ["".join(t.content for t in token.children or []) for token in tokens]
    for hostile in HOSTILE:
        sentence = one_line(f"home, labels: label {hostile} occurs once.")
        assert sentence in [one_line(line) for line in shown]
    assert "tfidf-intent, written answers: <b>answers</b>| 12." in shown
    assert text.count("\n**") == 1  # the verdict is still bold


def test_hostile_labels_in_the_summary_of_the_data_checks() -> None:
    results = tuple(
        Result("notes", "labels", "warning", False, 1, 1, (), f"label {text} occurs once.")
        for text in HOSTILE
    )
    tokens = READER.parse(summary(Report(results, {}, {}, {})))
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "code_inline"}
    codes = [c.content for t in tokens for c in t.children or [] if c.type == "code_inline"]
    assert codes == ["labels"] * len(HOSTILE)


def test_a_hostile_field_in_the_model_card(root: Path) -> None:
    task = type(INTENT)(**{**vars(INTENT), "field": "a|<img>`b`"})
    model = approach("linear").load(root / "models/tfidf-intent", (INTENT,))
    text = card(candidate("tfidf-intent", (task,)), model)
    tokens = READER.parse(text)
    cells = [
        "".join(t.content for t in tokens[i + 1].children or [])
        for i, token in enumerate(tokens)
        if token.type == "td_open"
    ]
    assert cells == ["intent", "classification", "home.a|<img>`b`", str(len(INTENT.labels))]
