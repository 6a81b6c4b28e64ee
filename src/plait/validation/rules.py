"""Rules about rows, texts and splits: each is an expectation of great-expectations and messages.

`plait.validation.checks` says which rule applies to which table. No rule names a dataset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.experiment.schema import Validation

Expectation = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Rule:
    """An expectation and its messages.

    Attributes:
        fault: completes "3 of 10 train rows …"; for an expectation about a whole table it is the
            whole sentence, with `{observed}` in it.
        remedy: says what to do.
        values: the column whose most frequent faulty values are shown.
        told: the column whose faulty values are shown as they are.
    """

    name: str
    expectation: Expectation
    fault: str
    remedy: str
    values: str | None = None
    told: str | None = None


def not_null(column: str) -> Expectation:
    return "expect_column_values_to_not_be_null", {"column": column}


def one_of(column: str, values: Sequence[Any], at_fault: float = 0.0) -> Expectation:
    arguments = {"column": column, "value_set": list(values), "mostly": round(1 - at_fault, 9)}
    return "expect_column_values_to_be_in_set", arguments


def row_count(least: int) -> Expectation:
    return "expect_table_row_count_to_be_between", {"min_value": least}


def rows(split: str) -> Rule:
    """Rule for the rows of a split."""
    drawn = (
        f"Mark rows as {split} in the source, or add rows: drawn rows leave each label at least "
        "one train row."
    )
    remedy = "Check the dataset's reader and source." if split == "train" else drawn
    return Rule(
        "rows",
        row_count(1),
        f"{split} has {{observed}} rows; at least 1 is needed.",
        remedy,
    )


def row_rules(limits: "Validation") -> list[Rule]:
    """Rules for the rows of train or dev."""
    return [
        Rule(
            "schema",
            one_of("problem", ["none"]),
            "are malformed",
            "Correct the dataset's reader or source.",
            "problem",
        ),
        *_ID_RULES,
        *_TRAINING_TEXT_RULES,
        *_repeat_rules(limits),
    ]


_ID_RULES = (
    Rule(
        "id_null",
        not_null("id"),
        "have no id",
        "Give every row an id in the source.",
    ),
    Rule(
        "id_duplicate",
        ("expect_column_values_to_be_unique", {"column": "id"}),
        "share their id with another row",
        "Give every row a unique id in the source.",
    ),
)
_TRAINING_TEXT_RULES = (
    Rule(
        "text_null",
        not_null("text"),
        "have no text",
        "Remove the rows from the source or fill in their texts.",
    ),
    Rule(
        "text_unlike",
        one_of("unlike", [False]),
        "have a text with none of the words that are common in train",
        "Is it another language, or noise? Remove the rows, or add similar ones.",
    ),
    Rule(
        "text_boilerplate",
        one_of("boilerplate", [False]),
        "have a text that consists of lines which ten or more training texts share",
        "Remove the rows from the source, or strip the lines from all texts.",
    ),
)


def _repeat_rules(limits: "Validation") -> list[Rule]:
    share = limits.max_duplicate_share
    remedy = "Remove the copies from the source, or raise validation.max_duplicate_share."
    return [
        Rule(
            "text_duplicate",
            one_of("repeats", [False], share),
            "have the same text as an earlier row",
            remedy,
        ),
        Rule(
            "text_near_duplicate",
            one_of("near_repeats", [False], share),
            "have nearly the same text as an earlier row",
            remedy,
        ),
    ]


def text_rules(scripts: Sequence[str], limits: "Validation") -> list[Rule]:
    """Rules for the texts of every split; `scripts` are the scripts of the training texts."""
    most = limits.max_characters
    return [
        Rule(
            "text_long",
            ("expect_column_values_to_be_between", {"column": "characters", "max_value": most}),
            f"have a text of more than {most:,} characters",
            "Cut or remove the texts in the source, or raise validation.max_characters.",
        ),
        *(
            Rule(f"text_{column}", one_of(column, [False]), fault, remedy)
            for column, fault, remedy in _DAMAGES
        ),
        Rule(
            "text_script",
            one_of("script", scripts),
            "have a text in a script that less than 1 % of the training texts use",
            "Is it another language, or a wrong encoding? Remove the rows, or add similar ones.",
            "script",
        ),
    ]


_DAMAGES = (
    (
        "empty",
        "have a text without a visible character",
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
        "Was the source read with the right encoding? Remove the characters from it.",
    ),
    (
        "replacement",
        "have a replacement character (U+FFFD) in their text: a character was lost",
        "Read the source again with its real encoding.",
    ),
    (
        "mojibake",
        "have a text that looks like UTF-8 read with another encoding",
        "Read the source again as UTF-8.",
    ),
    (
        "placeholder",
        "have a placeholder instead of a text, or a text without a letter",
        "Remove the rows from the source or fill in their texts.",
    ),
)
"""Name of the fact (`TextFacts`), fault, remedy."""


def id_across_splits() -> Rule:
    """Rule for the table of all ids."""
    return Rule(
        "id_across_splits",
        one_of("splits", [1]),
        "occur in more than one split",
        "Give every row a unique id, and put it into one split.",
    )


def leak_rules(earlier: str, limits: "Validation") -> list[Rule]:
    """Rules against leaks: rows of dev or held-out rows whose text an `earlier` split holds."""
    fault, share = f"have a text that also occurs in {earlier}", limits.max_leaked_share
    return [
        Rule(
            f"text_in_{earlier}",
            one_of(f"in_{earlier}", [False]),
            fault,
            _mend("text", earlier),
        ),
        Rule(
            f"text_in_{earlier}_share",
            one_of(f"in_{earlier}", [False], share),
            fault,
            f"Remove the copies from {earlier} (validation.rules.text_in_{earlier}: quarantine "
            "does that), or raise validation.max_leaked_share.",
        ),
        Rule(
            f"near_in_{earlier}",
            one_of(f"near_{earlier}", [False]),
            f"have a near-duplicate in {earlier}",
            _mend("near", earlier),
        ),
    ]


def _mend(kind: str, earlier: str) -> str:
    return (
        f"Scores on these rows are too high: remove the copies from {earlier}, or let "
        f"validation.rules.{kind}_in_{earlier}: quarantine do it."
    )


def text_in_heldout() -> Rule:
    """Rule against leaks for train and dev: it removes training rows instead of held-out rows."""
    return Rule(
        "text_in_heldout",
        one_of("copied_from_heldout", [False]),
        "have a text that equals, or nearly equals, that of a held-out row",
        "Remove them from the source, or set validation.rules.text_in_heldout: quarantine.",
    )


def text_elsewhere(others: Sequence[str]) -> Rule:
    """Rule for rows of a dataset that shares a mixture with `others`."""
    return Rule(
        "text_elsewhere",
        one_of("elsewhere", [False]),
        f"have a text that occurs, or nearly so, in train or dev of {' or '.join(others)}",
        "A candidate trains on both datasets: remove the copies from one of them.",
    )


def length_drift(limits: "Validation") -> Rule:
    """Rule for the drift of text lengths."""
    return Rule(
        "length_drift",
        drift(limits.max_length_drift),
        f"differ from train in more than {limits.max_length_drift:.0%} of the text lengths, "
        "more than chance explains",
        "Do they come from one source and one preparation? If they are meant to differ, raise "
        "validation.max_length_drift.",
    )


def drift(most: float) -> Expectation:
    return "expect_column_values_to_be_between", {"column": "drift", "max_value": most}
