"""What is expected of data: rules as expectations of great-expectations, with their words.

`plait.validation.checks` says which rule looks at which table. Nothing is written per dataset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from plait.experiment import Validation

Severity = Literal["critical", "warning"]
Expectation = tuple[str, Mapping[str, Any]]

MIN_SUPPORT = 5
"""Train rows (spans) that a label has at least; with fewer its own score says little."""


@dataclass(frozen=True)
class Rule:
    """An expectation and its words.

    `fault` completes "3 of 10 train rows …" (an expectation of a whole table: is the sentence, with
    `{observed}` in it); `remedy` says what to do; `values` names the column whose most frequent
    values at fault are shown.
    """

    name: str
    severity: Severity
    expectation: Expectation
    fault: str
    remedy: str
    values: str | None = None


def _not_null(column: str) -> Expectation:
    return "expect_column_values_to_not_be_null", {"column": column}


def _one_of(column: str, values: Sequence[Any], at_fault: float = 0.0) -> Expectation:
    arguments = {"column": column, "value_set": list(values), "mostly": round(1 - at_fault, 9)}
    return "expect_column_values_to_be_in_set", arguments


def _row_count(least: int) -> Expectation:
    return "expect_table_row_count_to_be_between", {"min_value": least}


def rows_rules(split: str, limits: "Validation") -> list[Rule]:
    """Rules for the rows of train and of dev."""
    return [
        Rule(
            "rows",
            "critical",
            _row_count(1),
            f"{split} has {{observed}} rows; at least 1 is needed.",
            "Check the dataset's reader and source.",
        ),
        Rule(
            "schema",
            "critical",
            _one_of("problem", ["none"]),
            "are malformed",
            "Mend the dataset's reader or source.",
            "problem",
        ),
        Rule(
            "id_null",
            "critical",
            _not_null("id"),
            "have no id",
            "Give every row an id in the source.",
        ),
        Rule(
            "id_duplicate",
            "critical",
            ("expect_column_values_to_be_unique", {"column": "id"}),
            "share their id with another row",
            "Give every row an id of its own in the source.",
        ),
        *_text_rules(limits),
    ]


def _text_rules(limits: "Validation") -> list[Rule]:
    return [
        Rule(
            "text_null",
            "critical",
            _not_null("text"),
            "have no text",
            "Remove the rows from the source or fill in their texts.",
        ),
        Rule(
            "text_empty",
            "critical",
            ("expect_column_values_to_match_regex", {"column": "text", "regex": r"\S"}),
            "have a text that is empty or only white space",
            "Remove the rows from the source.",
        ),
        Rule(
            "text_nul",
            "critical",
            ("expect_column_values_to_not_match_regex", {"column": "text", "regex": "\x00"}),
            "have a NUL character in their text",
            "Remove the character from the source.",
        ),
        Rule(
            "text_long",
            "critical",
            (
                "expect_column_value_lengths_to_be_between",
                {"column": "text", "max_value": limits.max_characters},
            ),
            f"have a text of more than {limits.max_characters:,} characters",
            "Cut or remove the texts in the source, or raise validation.max_characters.",
        ),
        Rule(
            "text_duplicate",
            "warning",
            _one_of("repeats", [False], limits.max_duplicate_share),
            "repeat the text of an earlier row",
            "Remove the copies from the source, or raise validation.max_duplicate_share.",
        ),
    ]


def id_across_splits() -> Rule:
    """Rule for the table of all ids."""
    return Rule(
        "id_across_splits",
        "critical",
        _one_of("splits", [1]),
        "stand in more than one split",
        "Give every row an id of its own, or one split.",
    )


def leak_rules(earlier: str, limits: "Validation") -> list[Rule]:
    """Rules for rows that are held apart from an `earlier` split; any leak is worth a warning."""
    fault = f"have a text that also stands in {earlier}"
    any_leak, share = _one_of(f"in_{earlier}", [False]), limits.max_leaked_share
    return [
        Rule(
            f"text_in_{earlier}",
            "warning",
            any_leak,
            fault,
            f"Scores on them flatter the model: remove the copies from {earlier}.",
        ),
        Rule(
            f"text_in_{earlier}_share",
            "critical",
            _one_of(f"in_{earlier}", [False], share),
            fault,
            f"Remove the copies from {earlier}, or raise validation.max_leaked_share.",
        ),
    ]


def label_null(task: str) -> Rule:
    """Rule for the rows of train and of dev: rows without a label are not learned from."""
    return Rule(
        "label_null",
        "warning",
        _not_null(f"label:{task}"),
        f"have no label for {task}",
        "Label them in the source, or leave it so: they are skipped.",
    )


def label_unknown(task: str, labels: Sequence[str]) -> Rule:
    """Rule for answers, where params.yaml closes the set of labels."""
    return Rule(
        "label_unknown",
        "critical",
        _one_of("label", labels),
        f"have a label that tasks.{task}.labels in params.yaml does not name",
        "Add the label there, or mend the rows in the source.",
        "label",
    )


def unseen_rules(task: str, trained: Sequence[str], limits: "Validation") -> list[Rule]:
    """Rules for answers of dev and held-out rows."""
    fault = f"have a label of {task} that train does not have"
    share = limits.max_unseen_share
    return [
        Rule(
            "label_unseen",
            "warning",
            _one_of("label", trained),
            fault,
            "No model can answer them right: add train rows, or merge the labels.",
            "label",
        ),
        Rule(
            "label_unseen_share",
            "critical",
            _one_of("label", trained, share),
            fault,
            "Add train rows with these labels, or raise validation.max_unseen_share.",
            "label",
        ),
    ]


def label_support(unit: str) -> Rule:
    """Rule for the table of a task's labels."""
    return Rule(
        "label_support",
        "warning",
        ("expect_column_values_to_be_between", {"column": "train", "min_value": MIN_SUPPORT}),
        f"have fewer than {MIN_SUPPORT} train {unit}",
        "Add train rows, or merge the labels.",
    )


def label_count(task: str, least: int) -> Rule:
    """Rule for the table of a task's trained labels."""
    return Rule(
        "label_count",
        "critical",
        _row_count(least),
        f"{task} has {{observed}} labels with train rows; at least {least} needed.",
        "Check the task's field and the reader's settings.",
    )


def label_conflict(task: str) -> Rule:
    """Rule for texts and how many labels each has."""
    return Rule(
        "label_conflict",
        "warning",
        _one_of("labels", [1]),
        f"share their text with a row that has another label for {task}",
        "Decide on one label per text in the source.",
    )


def span_rules() -> list[Rule]:
    """Rules for the spans of train and of dev."""
    return [
        Rule(
            "span_outside",
            "critical",
            _one_of("inside", [True]),
            "reach outside their text or are empty",
            "Mend the offsets in the source.",
        ),
        Rule(
            "span_overlap",
            "critical",
            _one_of("apart", [True]),
            "overlap an earlier span of their row",
            "Keep one of the spans in the source.",
        ),
        Rule(
            "span_cuts_word",
            "warning",
            _one_of("on_words", [True]),
            "begin or end inside a word or on white space",
            "Mend the offsets in the source.",
        ),
    ]
