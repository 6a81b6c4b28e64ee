"""The rules of validation about labels and spans."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from plait.datasets.spelling import quoted
from plait.tasks import Task
from plait.validation.rules import Rule, drift, not_null, one_of, row_count

if TYPE_CHECKING:
    import pandas as pd

    from plait.experiment.schema import Validation

MIN_SUPPORT = 5
"""Least number of train rows (spans) of a label; with fewer, its score is mostly noise."""
MAPPED = 10
"""Most pairs of labels that a proposed `label_map` has."""


def label_null(task: str) -> Rule:
    """Rule for the rows of train or dev: training skips rows without a label."""
    return Rule(
        "label_null",
        not_null(f"label:{task}"),
        f"have no label for {task}",
        "Label them in the source, or leave them: training skips them.",
    )


def label_rows(task: str, rows: str) -> Rule:
    """Rule for the labels of dev or held-out rows; `rows` names those that have one."""
    return Rule(
        "label_rows",
        row_count(1),
        f"{{observed}} {rows} have a label of {task}; at least 1 is needed.",
        "Label some, or move labelled rows there.",
    )


def label_alike(task: Task, support: "pd.DataFrame") -> Rule:
    """Rule for the labels of a task; `support` is their table."""
    pairs = support[support["alike"]]
    shown = zip(pairs["name"].head(MAPPED), pairs["meant"], strict=False)
    entries = [f"{quoted(label)}: {quoted(meant)}" for label, meant in shown]
    more = ", …" if len(pairs) > MAPPED else ""
    return Rule(
        "label_alike",
        one_of("alike", [False]),
        f"are spelled like another label of {task.name}",
        "Models take them for different classes. Correct the source, or let the table reader do "
        f"it: datasets.{task.dataset}.label_map: {{{task.field}: {{{', '.join(entries)}{more}}}}}, "
        f"or datasets.{task.dataset}.normalise_labels: true. If they do differ: "
        "validation.rules.label_alike: warn.",
        told="pair",
    )


def label_placeholder(task: Task) -> Rule:
    """Rule for gold labels."""
    return Rule(
        "label_placeholder",
        one_of("placeholder", [False]),
        f"have a label of {task.name} that looks like a missing value",
        f"If they have no label: datasets.{task.dataset}.label_map: {{{task.field}: {{LABEL: "
        "null}} (table reader), or empty cells.",
        "label",
    )


def label_unknown(task: str, labels: Sequence[str]) -> Rule:
    """Rule for gold labels, where params.yaml declares the label set."""
    return Rule(
        "label_unknown",
        one_of("label", labels),
        f"have a label that tasks.{task}.labels in params.yaml does not list",
        "Add the label there, or correct the rows in the source.",
        "label",
    )


def unseen_rules(task: str, trained: Sequence[str], limits: "Validation") -> list[Rule]:
    """Rules for gold labels of dev and held-out rows; `trained` are the labels of train."""
    fault = f"have a label of {task} that no train row has"
    share = limits.max_unseen_share
    return [
        Rule(
            "label_unseen",
            one_of("label", trained),
            fault,
            "No model can predict these labels: add train rows, or merge the labels.",
            "label",
        ),
        Rule(
            "label_unseen_share",
            one_of("label", trained, share),
            fault,
            "Add train rows with these labels, or raise validation.max_unseen_share.",
            "label",
        ),
    ]


def label_support(unit: str) -> Rule:
    """Rule for the labels of a task; `unit` is `rows` or `spans`."""
    return Rule(
        "label_support",
        ("expect_column_values_to_be_between", {"column": "train", "min_value": MIN_SUPPORT}),
        f"have fewer than {MIN_SUPPORT} train {unit}",
        "Add train rows, or merge the labels.",
    )


def label_count(task: str, least: int) -> Rule:
    """Rule for the labels of a task's training rows."""
    return Rule(
        "label_count",
        row_count(least),
        f"{task} has {{observed}} labels with train rows; at least {least} needed.",
        "Check the task's field and the reader's settings.",
    )


def label_conflict(task: str) -> Rule:
    """Rule for equal texts with different labels."""
    return Rule(
        "label_conflict",
        one_of("labels", [1]),
        f"share their text with a row that has another label for {task}",
        "Decide on one label per text in the source.",
    )


def label_conflict_near(task: str) -> Rule:
    """Rule for near-duplicates with different labels."""
    return Rule(
        "label_conflict_near",
        one_of("near", [False]),
        f"have nearly the same text as a row with another label for {task}",
        "Compare the two rows: one of the labels may be wrong.",
    )


def label_balance(task: str, limits: "Validation") -> Rule:
    """Rule for the labels of a classification task."""
    most = limits.max_label_share
    return Rule(
        "label_balance",
        ("expect_column_values_to_be_between", {"column": "share", "max_value": most}),
        f"have more than {most:.0%} of the train rows of {task}",
        "A model can ignore the other labels: add rows for them, or raise "
        "validation.max_label_share.",
    )


def label_drift(task: str, limits: "Validation") -> Rule:
    """Rule for the drift of labels."""
    return Rule(
        "label_drift",
        drift(limits.max_label_drift),
        f"differ from train in more than {limits.max_label_drift:.0%} of the labels of {task}, "
        "more than chance explains",
        "Split at random within each label, or raise validation.max_label_drift.",
    )


def span_rules(task: Task, split: str) -> list[Rule]:
    """Rules for the spans of a split; what held-out spans cut is not known."""
    shown = None if split == "heldout" else "cut"
    correct = "Correct the offsets in the source."
    trim = f"Correct the source, or set datasets.{task.dataset}.trim_spans: true (table reader)."
    blank = "begin or end with white space or an invisible character"
    cut = "begin or end inside a word: no prediction can equal them"
    return [
        Rule("span_outside", one_of("inside", [True]), _OUTSIDE, correct, shown),
        Rule("span_overlap", one_of("disjoint", [True]), _OVERLAP, _ONE, shown),
        Rule("span_blank", one_of("trimmed", [True]), blank, trim, shown),
        Rule("span_cuts_word", one_of("word_aligned", [True]), cut, correct, shown),
    ]


_OUTSIDE = "are empty or reach outside their text"
_OVERLAP = "overlap an earlier span of their row"
_ONE = "Keep one of the spans in the source."


def span_offsets(task: Task) -> Rule:
    """Rule for the ways to count offsets other than the one that was used."""
    return Rule(
        "span_offsets",
        one_of("explains", [False]),
        f"fit the words of train and dev better than the spans of {task.name} do",
        f"Set it in datasets.{task.dataset} (table reader), or correct the offsets in the source.",
        told="told",
    )
