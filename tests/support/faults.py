"""Each accident, the rule that must catch it, and what the user reads."""

from accidents import (
    Fault,
    boilerplate,
    foreign,
    inclusive,
    near,
    put,
    relabel,
    repeat,
    several,
    types,
)

FAULTS = [
    Fault(
        "rows", "critical", "train", lambda d: d["train"].clear(),
        "train has 0 rows; at least 1 is needed.", (),
    ),
    Fault(
        "schema", "critical", "dev", lambda d: d["dev"][2].pop("labels"),
        "1 of 20 dev rows are malformed: 'found the keys id, text; expected id, labels, text' (1).",
        ("dev-2",),
    ),
    Fault(
        "text_empty", "critical", "heldout", put("heldout", 3, text=" ", slots=[]),
        "1 of 20 held-out rows have a text without a visible character.", ("heldout-3",),
    ),
    Fault(
        "text_control", "warning", "train", put("train", 2, text="in train\x1b[0m at 2 o'clock"),
        "1 of 40 train rows have control characters in their text.", ("train-2",),
    ),
    Fault(
        "text_control", "warning", "dev", put("dev", 2, text="it\x92s in dev"),
        "1 of 20 dev rows have control characters in their text.", ("dev-2",),
    ),
    Fault(
        "text_replacement", "warning", "dev", put("dev", 2, text="in d\ufffdv at 2 o'clock"),
        "1 of 20 dev rows have a replacement character (U+FFFD) in their text", ("dev-2",),
    ),
    Fault(
        "text_mojibake", "warning", "train", put("train", 2, text="in train at a cafÃ© in ZÃ¼rich"),
        "1 of 40 train rows have a text that looks like UTF-8 read with another encoding.",
        ("train-2",),
    ),
    Fault(
        "text_mojibake", "warning", "heldout",
        put("heldout", 2, text="in heldout it was donâ€™t at 2"),
        "1 of 20 held-out rows have a text that looks like UTF-8 read with", ("heldout-2",),
    ),
    Fault(
        "text_placeholder", "warning", "train", put("train", 2, text="N/A", slots=[]),
        "1 of 40 train rows have a placeholder instead of a text, or a text without a letter.",
        ("train-2",),
    ),
    Fault(
        "text_placeholder", "warning", "heldout", put("heldout", 2, text="--- 17 ---", slots=[]),
        "1 of 20 held-out rows have a placeholder instead of a text", ("heldout-2",),
    ),
    Fault(
        "text_boilerplate", "warning", "train", boilerplate,
        "1 of 40 train rows have a text that consists of lines which ten or more training texts",
        ("train-0",),
    ),
    Fault(
        "text_script", "warning", "dev", put("dev", 2, text="в поезде в два часа", slots=[]),
        "1 of 20 dev rows have a text in a script that less than 1 % of the training texts use: "
        "'CYRILLIC' (1).", ("dev-2",),
    ),
    Fault(
        "text_unlike", "warning", "train", foreign,
        "1 of 40 train rows have a text with none of the words that are common in train.",
        ("train-0",),
    ),
    Fault(
        "text_near_duplicate", "warning", "train", near("train", "train"),
        "1 of 40 train rows have nearly the same text as an earlier row (2.50%; at most 0.00%",
        ("train-2",), limits={"max_duplicate_share": 1e-9},
    ),
    Fault(
        "text_near_duplicate", "warning", "dev", put("dev", 2, text="IN DEV, at 1 O'CLOCK!"),
        "1 of 20 dev rows have nearly the same text as an earlier row", ("dev-2",),
        limits={"max_duplicate_share": 1e-9},
    ),
    Fault(
        "near_in_train", "warning", "dev", near("train", "dev"),
        "1 of 20 dev rows have a near-duplicate in train. Scores on", ("dev-0",),
    ),
    Fault(
        "near_in_train", "warning", "heldout", near("train", "heldout"),
        "1 of 20 held-out rows have a near-duplicate in train.", ("heldout-0",),
    ),
    Fault(
        "near_in_dev", "warning", "heldout", near("dev", "heldout"),
        "1 of 20 held-out rows have a near-duplicate in dev.", ("heldout-0",),
    ),
    Fault(
        "text_in_heldout", "warning", "train", near("heldout", "train"),
        "1 of 40 train rows have a text that equals, or nearly equals, that of a held-out row.",
        ("train-0",),
        limits={"rules": {"text_in_heldout": "warn"}},
    ),
    Fault(
        "label_conflict_near", "warning", None, put("dev", 0, text="IN train at 1 o'clock!"),
        "2 of 60 train and dev rows have nearly the same text as a row with another label for "
        "topic.", ("train-1", "dev-0"), "topic", count=2,
    ),
    Fault(
        "label_balance", "warning", "train", relabel("train", range(38), "sport"),
        "1 of 2 labels of topic have more than 90% of the train rows of topic.", ("sport",),
        "topic",
    ),
    Fault(
        "label_drift", "warning", None, relabel("dev", range(18), "sport"),
        "1 of 2 splits and versions differ from train in more than 10% of the labels of topic, "
        "more than chance explains.", ("dev",), "topic",
    ),
    Fault(
        "length_drift", "warning", None, several("heldout", 12, text="late " * 40, slots=[]),
        "1 of 2 splits and versions differ from train in more than 20% of the text lengths",
        ("held-out",),
    ),
    Fault(
        "span_cuts_word", "warning", "heldout", put("heldout", 2, slots=[[3, 7, "place"]]),
        "1 of 39 held-out spans begin or end inside a word: no prediction",
        ("heldout-2",), "slots",
    ),
    Fault(
        "rows", "critical", "dev", lambda d: d["dev"].clear(),
        "dev has 0 rows; at least 1 is needed. Mark rows as dev in the source, or add rows", (),
    ),
    Fault(
        "rows", "critical", "heldout", lambda d: d["heldout"].clear(),
        "held-out has 0 rows; at least 1 is needed. Mark rows as held-out in the source,", (),
    ),
    Fault(
        "label_rows", "critical", "dev", several("dev", 20, topic=None),
        "0 dev rows have a label of topic; at least 1 is needed. Label some", (), "topic",
    ),
    Fault(
        "label_rows", "critical", "heldout", several("heldout", 20, slots=[]),
        "0 held-out spans have a label of slots; at least 1 is needed. Label some", (), "slots",
    ),
    Fault(
        "schema", "critical", "train", put("train", 2, text=7),
        "1 of 40 train rows are malformed: 'text is a number, expected a string' (1). "
        "Correct the dataset's reader or source.", ("train-2",),
    ),
    Fault(
        "id_null", "critical", "train", put("train", 2, id=None),
        "1 of 40 train rows have no id. Give every row an id in the source.", ("line 3",),
    ),
    Fault(
        "id_duplicate", "critical", "train", put("train", 2, id="train-5"),
        "2 of 40 train rows share their id with another row.", ("train-5",), count=2,
    ),
    Fault(
        "id_across_splits", "critical", None, put("dev", 2, id="heldout-5"),
        "1 of 79 ids occur in more than one split.", ("heldout-5",),
    ),
    Fault(
        "text_null", "critical", "dev", put("dev", 2, text=None),
        "1 of 20 dev rows have no text. Remove the rows", ("dev-2",),
    ),
    Fault(
        "text_empty", "critical", "train", put("train", 2, text="", slots=[]),
        "1 of 40 train rows have a text without a visible character.", ("train-2",),
    ),
    Fault(
        "text_empty", "critical", "dev", put("dev", 3, text=" \t\n\u200b\ufeff", slots=[]),
        "1 of 20 dev rows have a text without a visible character.", ("dev-3",),
    ),
    Fault(
        "text_nul", "critical", "train", put("train", 2, text="in tr\x00in at 2 o'clock"),
        "1 of 40 train rows have a NUL character in their text.", ("train-2",),
    ),
    Fault(
        "text_long", "critical", "train", put("train", 2, text="in train " * 1_200_000),
        "1 of 40 train rows have a text of more than 1,000,000 characters. "
        "Cut or remove the texts in the source, or raise validation.max_characters.",
        ("train-2",),
    ),
    Fault(
        "text_duplicate", "warning", "train", repeat("train", "train", 5),
        "5 of 40 train rows have the same text as an earlier row (12.50%; at most 10.00% allowed). "
        "Remove the copies from the source, or raise validation.max_duplicate_share.",
        ("train-35", "train-36", "train-37", "train-38", "train-39"), count=5,
    ),
    Fault(
        "text_in_train", "warning", "dev", repeat("train", "dev", 1),
        "1 of 20 dev rows have a text that also occurs in train. Scores on these rows are too",
        ("dev-19",),
    ),
    Fault(
        "text_in_train", "warning", "heldout", repeat("train", "heldout", 1),
        "1 of 20 held-out rows have a text that also occurs in train.", ("heldout-19",),
    ),
    Fault(
        "text_in_dev", "warning", "heldout", repeat("dev", "heldout", 1),
        "1 of 20 held-out rows have a text that also occurs in dev.", ("heldout-19",),
    ),
    Fault(
        "text_in_train_share", "critical", "heldout", repeat("train", "heldout", 3),
        "3 of 20 held-out rows have a text that also occurs in train (15.00%; at most 10.00% "
        "allowed). Remove the copies from train (validation.rules.text_in_train: quarantine",
        ("heldout-17", "heldout-18", "heldout-19"), count=3,
    ),
    Fault(
        "text_in_dev_share", "critical", "heldout", repeat("dev", "heldout", 3),
        "3 of 20 held-out rows have a text that also occurs in dev (15.00%",
        ("heldout-17", "heldout-18", "heldout-19"), count=3,
    ),
    Fault(
        "label_null", "warning", "train", put("train", 2, topic=None),
        "1 of 40 train rows have no label for topic.", ("train-2",), "topic",
    ),
    Fault(
        "label_alike", "critical", None, relabel("dev", range(2), "Sport "),
        '1 of 3 labels of topic are spelled like another label of topic: "Sport " (2) and "sport" '
        "(39). Models take them for different classes.", ("Sport ",), "topic",
    ),
    Fault(
        "label_alike", "critical", None, types("heldout", "pla\u200bce"),
        'datasets.notes.label_map: {slots: {"pla\\u200bce": "place"}}', ("pla\u200bce",), "slots",
    ),
    Fault(
        "label_placeholder", "warning", "train", relabel("train", range(2, 4), "#N/A"),
        "2 of 40 train rows have a label of topic that looks like a missing value: '#N/A' (2). If",
        ("train-2", "train-3"), "topic", count=2,
    ),
    Fault(
        "label_placeholder", "warning", "heldout", types("heldout", "None"),
        "1 of 40 held-out spans have a label of slots that looks like a missing value: 'None' (1).",
        ("heldout-0",), "slots",
    ),
    Fault(
        "label_unknown", "critical", "dev", put("dev", 2, topic="sprot"),
        "1 of 20 dev rows have a label that tasks.topic.labels in params.yaml does not list: "
        "'sprot' (1). Add the label there, or correct the rows in the source.", ("dev-2",), "topic",
    ),
    Fault(
        "label_unknown", "critical", "heldout", types("heldout", "plaec"),
        "1 of 40 held-out spans have a label that tasks.slots.labels in params.yaml does not list: "
        "'plaec' (1).", ("heldout-0",), "slots",
    ),
    Fault(
        "label_unseen", "warning", "dev", put("dev", 2, topic="weather"),
        "1 of 20 dev rows have a label of topic that no train row has: 'weather' (1). "
        "No model can predict these labels", ("dev-2",), "topic",
    ),
    Fault(
        "label_unseen", "warning", "heldout", put("heldout", 2, topic="weather"),
        "1 of 20 held-out rows have a label of topic that no train row has: 'weather' (1).",
        ("heldout-2",), "topic",
    ),
    Fault(
        "label_unseen_share", "critical", "dev", relabel("dev", range(2), "weather"),
        "2 of 20 dev rows have a label of topic that no train row has (10.00%; at most 5.00% "
        "allowed): 'weather' (2). Add train rows", ("dev-0", "dev-1"), "topic", count=2,
    ),
    Fault(
        "label_support", "warning", "train", relabel("train", range(4), "weather"),
        "1 of 3 labels of topic have fewer than 5 train rows. Add train",
        ("weather",), "topic",
    ),
    Fault(
        "label_support", "warning", "train", types("train", "day"),
        "1 of 3 labels of slots have fewer than 5 train spans. Add", ("day",), "slots",
    ),
    Fault(
        "label_count", "critical", "train", relabel("train", range(40), "news"),
        "topic has 1 labels with train rows; at least 2 needed. Check the task's field", (),
        "topic",
    ),
    Fault(
        "label_conflict", "warning", None, put("dev", 0, text="in train at 1 o'clock"),
        "2 of 60 train and dev rows share their text with a row that has another label for topic.",
        ("train-1", "dev-0"), "topic", count=2,
    ),
    Fault(
        "span_outside", "critical", "train", put("train", 2, slots=[[3, 99, "place"]]),
        "1 of 79 train spans are empty or reach outside their text: '[3, 99] of 21 "
        "characters' (1).",
        ("train-2",), "slots",
    ),
    Fault(
        "span_outside", "critical", "dev", put("dev", 2, slots=[[3, 3, "place"]]),
        "1 of 39 dev spans are empty or reach outside their text: '[3, 3] is empty' (1).",
        ("dev-2",), "slots",
    ),
    Fault(
        "span_overlap", "critical", "dev", put("dev", 2, slots=[[3, 9, "place"], [7, 19, "time"]]),
        "1 of 40 dev spans overlap an earlier span of their row: \"[at 2 o'clock]\" (1).",
        ("dev-2",), "slots",
    ),
    Fault(
        "span_blank", "critical", "train", put("train", 2, slots=[[2, 8, "place"]]),
        "1 of 79 train spans begin or end with white space or an invisible character: "
        "'in[ train]' (1). Correct the source, or set datasets.notes.trim_spans: true",
        ("train-2",), "slots",
    ),
    Fault(
        "span_blank", "critical", "heldout", put("heldout", 2, slots=[[3, 11, "place"]]),
        "1 of 39 held-out spans begin or end with white space or an invisible character. Correct",
        ("heldout-2",), "slots",
    ),
    Fault(
        "span_offsets", "critical", None, inclusive,
        "1 of 7 other ways to count offsets fit the words of train and dev better than the spans "
        "of slots do: `offsets: inclusive` (120 of the 120 spans that it moves begin and end at "
        "words, ", ("offsets: inclusive",), "slots",
    ),
    Fault(
        "span_cuts_word", "warning", "train", put("train", 2, slots=[[3, 7, "place"]]),
        "1 of 79 train spans begin or end inside a word: no prediction can equal them: "
        "'[trai]n' (1).",
        ("train-2",), "slots",
    ),
]  # fmt: skip
