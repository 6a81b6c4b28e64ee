"""What is expected of data: rules as expectations of great-expectations, with their words.

`plait.validation.checks` says which rule looks at which table. Nothing is written per dataset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.experiment.schema import Validation

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
            _row_count(1),
            f"{split} has {{observed}} rows; at least 1 is needed.",
            "Check the dataset's reader and source.",
        ),
        Rule(
            "schema",
            _one_of("problem", ["none"]),
            "are malformed",
            "Mend the dataset's reader or source.",
            "problem",
        ),
        *_ID_RULES,
        *_TRAINING_TEXT_RULES,
        *_repeat_rules(limits),
    ]


_ID_RULES = (
    Rule(
        "id_null",
        _not_null("id"),
        "have no id",
        "Give every row an id in the source.",
    ),
    Rule(
        "id_duplicate",
        ("expect_column_values_to_be_unique", {"column": "id"}),
        "share their id with another row",
        "Give every row an id of its own in the source.",
    ),
)
_TRAINING_TEXT_RULES = (
    Rule(
        "text_null",
        _not_null("text"),
        "have no text",
        "Remove the rows from the source or fill in their texts.",
    ),
    Rule(
        "text_unlike",
        _one_of("unlike", [False]),
        "have a text with none of the words that are common in train",
        "Is it another language, or noise? Remove the rows, or add more like them.",
    ),
    Rule(
        "text_boilerplate",
        _one_of("boilerplate", [False]),
        "have a text of nothing but lines that ten or more training texts share",
        "Remove the rows from the source, or strip the lines from all texts.",
    ),
)


def _repeat_rules(limits: "Validation") -> list[Rule]:
    share = limits.max_duplicate_share
    remedy = "Remove the copies from the source, or raise validation.max_duplicate_share."
    return [
        Rule(
            "text_duplicate",
            _one_of("repeats", [False], share),
            "repeat the text of an earlier row",
            remedy,
        ),
        Rule(
            "text_near_duplicate",
            _one_of("near_repeats", [False], share),
            "nearly repeat the text of an earlier row",
            remedy,
        ),
    ]


def text_rules(scripts: Sequence[str], limits: "Validation") -> list[Rule]:
    """Rules for the texts of every split; `scripts` are those that train is written in."""
    most = limits.max_characters
    return [
        Rule(
            "text_long",
            ("expect_column_values_to_be_between", {"column": "characters", "max_value": most}),
            f"have a text of more than {most:,} characters",
            "Cut or remove the texts in the source, or raise validation.max_characters.",
        ),
        *(
            Rule(f"text_{column}", _one_of(column, [False]), fault, remedy)
            for column, fault, remedy in _DAMAGES
        ),
        Rule(
            "text_script",
            _one_of("script", scripts),
            "have a text in a script that less than 1 % of train is written in",
            "Is it another language, or a wrong encoding? Remove the rows, or add more like them.",
            "script",
        ),
    ]


_DAMAGES = (
    (
        "empty",
        "have a text that is empty or only white space",
        "Remove the rows from the source.",
    ),
    (
        "nul",
        "have a NUL character in their text",
        "Remove the character from the source.",
    ),
    (
        "control",
        "have control characters in their text",
        "Remove them from the source; was it read with the right encoding?",
    ),
    (
        "replacement",
        "have a replacement character (U+FFFD) in their text: something was lost",
        "Read the source again with its own encoding.",
    ),
    (
        "mojibake",
        "have a text that looks like UTF-8 read with another encoding",
        "Read the source again as UTF-8.",
    ),
    (
        "placeholder",
        "have a placeholder or no letter in place of a text",
        "Remove the rows from the source or fill in their texts.",
    ),
)
"""Fact of a text, the words for it, the remedy."""


def id_across_splits() -> Rule:
    """Rule for the table of all ids."""
    return Rule(
        "id_across_splits",
        _one_of("splits", [1]),
        "stand in more than one split",
        "Give every row an id of its own, or one split.",
    )


def leak_rules(earlier: str, limits: "Validation") -> list[Rule]:
    """Rules for rows that are held apart from an `earlier` split; any leak is worth a warning."""
    fault, share = f"have a text that also stands in {earlier}", limits.max_leaked_share
    flatter = f"Scores on them flatter the model: remove the copies from {earlier}."
    return [
        Rule(f"text_in_{earlier}", _one_of(f"in_{earlier}", [False]), fault, flatter),
        Rule(
            f"text_in_{earlier}_share",
            _one_of(f"in_{earlier}", [False], share),
            fault,
            f"Remove the copies from {earlier}, or raise validation.max_leaked_share.",
        ),
        Rule(
            f"near_in_{earlier}",
            _one_of(f"near_{earlier}", [False]),
            f"have a text that nearly stands in {earlier}, too",
            flatter,
        ),
    ]


def text_in_heldout() -> Rule:
    """Rule for the rows of train and dev; for who would rather lose those than held-out rows."""
    return Rule(
        "text_in_heldout",
        _one_of("copied", [False]),
        "have a text that stands in held-out rows, or nearly",
        "Remove them from the source, or set validation.rules.text_in_heldout: quarantine.",
    )


def text_elsewhere(others: Sequence[str]) -> Rule:
    """Rule for rows of a dataset that is trained together with others."""
    return Rule(
        "text_elsewhere",
        _one_of("elsewhere", [False]),
        f"have a text that stands, or nearly, in train or dev of {' or '.join(others)}",
        "Some candidate trains on both: remove the copies from one of them.",
    )


def label_null(task: str) -> Rule:
    """Rule for the rows of train and of dev: rows without a label are not learned from."""
    return Rule(
        "label_null",
        _not_null(f"label:{task}"),
        f"have no label for {task}",
        "Label them in the source, or leave it so: they are skipped.",
    )


def label_unknown(task: str, labels: Sequence[str]) -> Rule:
    """Rule for answers, where params.yaml closes the set of labels."""
    return Rule(
        "label_unknown",
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
            _one_of("label", trained),
            fault,
            "No model can answer them right: add train rows, or merge the labels.",
            "label",
        ),
        Rule(
            "label_unseen_share",
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
        ("expect_column_values_to_be_between", {"column": "train", "min_value": MIN_SUPPORT}),
        f"have fewer than {MIN_SUPPORT} train {unit}",
        "Add train rows, or merge the labels.",
    )


def label_count(task: str, least: int) -> Rule:
    """Rule for the table of a task's trained labels."""
    return Rule(
        "label_count",
        _row_count(least),
        f"{task} has {{observed}} labels with train rows; at least {least} needed.",
        "Check the task's field and the reader's settings.",
    )


def label_conflict(task: str) -> Rule:
    """Rule for texts and how many labels each has."""
    return Rule(
        "label_conflict",
        _one_of("labels", [1]),
        f"share their text with a row that has another label for {task}",
        "Decide on one label per text in the source.",
    )


def label_conflict_near(task: str) -> Rule:
    """Rule for texts that are alike, and not equal, to texts with another label."""
    return Rule(
        "label_conflict_near",
        _one_of("near", [False]),
        f"have a text nearly like that of a row with another label for {task}",
        "Look at both: is one of the labels wrong?",
    )


def label_balance(task: str, limits: "Validation") -> Rule:
    """Rule for the table of a classification task's labels."""
    most = limits.max_label_share
    return Rule(
        "label_balance",
        ("expect_column_values_to_be_between", {"column": "share", "max_value": most}),
        f"have more than {most:.0%} of the train rows of {task}",
        "A model can leave the others out: add rows of theirs, or raise "
        "validation.max_label_share.",
    )


def label_drift(task: str, limits: "Validation") -> Rule:
    """Rule for the table of comparisons of labels."""
    return Rule(
        "label_drift",
        _drift(limits.max_label_drift),
        f"differ from train in more than {limits.max_label_drift:.0%} of the labels of {task}, "
        "beyond what chance does",
        "Split at random within each label, or raise validation.max_label_drift.",
    )


def length_drift(limits: "Validation") -> Rule:
    """Rule for the table of comparisons of lengths."""
    return Rule(
        "length_drift",
        _drift(limits.max_length_drift),
        f"differ from train in more than {limits.max_length_drift:.0%} of the text lengths, "
        "beyond what chance does",
        "Are they of one source, prepared alike? If they are meant to differ, raise "
        "validation.max_length_drift.",
    )


def _drift(most: float) -> Expectation:
    return "expect_column_values_to_be_between", {"column": "drift", "max_value": most}


def span_rules() -> list[Rule]:
    """Rules for the spans of every split."""
    return [
        Rule(
            "span_outside",
            _one_of("inside", [True]),
            "reach outside their text or are empty",
            "Mend the offsets in the source.",
        ),
        Rule(
            "span_overlap",
            _one_of("apart", [True]),
            "overlap an earlier span of their row",
            "Keep one of the spans in the source.",
        ),
        Rule(
            "span_cuts_word",
            _one_of("on_words", [True]),
            "begin or end inside a word or on white space",
            "Mend the offsets in the source.",
        ),
    ]
