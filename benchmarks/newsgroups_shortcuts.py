"""Raw 20 Newsgroups: what stands twice, and how far a model gets on what should not matter.

Counts equal and near-equal posts across the published split, and conflicting labels. Then TF-IDF
(words, sublinear) with a linear SVM is trained on the published training posts and scored on the
published test posts: whole, the headers alone, and with headers, footers and quotes stripped (the
reader's `strip`). Writes docs/results/newsgroups.{json,md}.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import binomtest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from plait.datasets.twenty_newsgroups import Part, TwentyNewsgroups
from plait.experiment.schema import Validation
from plait.files import write_json, write_jsonl
from plait.leakage.leaks import leaks
from plait.tasks import Row, Split, Task, write_rows
from plait.validation.datasets import CheckedDataset, read_datasets
from plait.validation.fingerprints import write_fingerprints

RESULTS = Path("docs/results")
Posts = Sequence[tuple[Split, Row]]
TASKS = [
    Task(name, "newsgroups", "classification", field, (), "accuracy")
    for name, field in (("topic20", "group"), ("topic7", "top_group"))
]
PROBES: Sequence[tuple[str, tuple[Part, ...]]] = (
    ("whole posts", ()),
    ("without headers", ("headers",)),
    ("without headers and footers", ("headers", "footers")),
    ("without headers, footers and quotes", ("headers", "footers", "quotes")),
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="every tenth post; writes nothing")
    return parser.parse_args()


def posts(folder: Path, strip: tuple[Part, ...]) -> Posts:
    """All posts; those of dev are training posts again."""
    reader = TwentyNewsgroups(reader="twenty_newsgroups", variant="raw", strip=strip)
    for source in reader.sources():
        source.fetch(folder)
    return list(reader.read(folder, 17))


def headers(found: Posts) -> Posts:
    """What stands before the first blank line."""
    return [(s, Row(r.id, r.text.partition("\n\n")[0], r.labels)) for s, r in found]


def accuracy(found: Posts, field: str) -> dict[str, Any]:
    """Of TF-IDF and a linear SVM on the test posts, with its 95 % interval (Wilson)."""
    train = [row for split, row in found if split != "heldout"]
    test = [row for split, row in found if split == "heldout"]
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2)
    model = LinearSVC(random_state=17)
    model.fit(vectors.fit_transform(row.text for row in train), [r.labels[field] for r in train])
    answers = model.predict(vectors.transform(row.text for row in test))
    hits = sum(a == row.labels[field] for a, row in zip(answers, test, strict=True))
    interval = binomtest(hits, len(test)).proportion_ci(method="wilson")
    rounded = (round(float(v), 4) for v in (hits / len(test), interval.low, interval.high))
    return dict(zip(("accuracy", "low", "high"), rounded, strict=True), n=len(test))


def duplicates(found: Posts) -> dict[str, Any]:
    """What validation finds of posts that stand twice."""
    with tempfile.TemporaryDirectory() as scratch:
        dataset = _checked(Path(scratch), found)
    tables = dataset.tables
    leaked = leaks(dataset.matches, ())["newsgroups"]
    return {
        "posts": {split: len(tables[split]) for split in ("train", "dev", "heldout")},
        "repeats": {split: _counts(tables[split]) for split in ("train", "dev", "heldout")},
        "leaks": {kind: len(ids) for kind, ids in leaked.items()},
        "conflicts": {
            task.name: {
                "equal": int((tables[f"conflicts/{task.name}"]["labels"] > 1).sum()),
                "near": int(tables[f"conflicts/{task.name}"]["near"].sum()),
            }
            for task in TASKS
        },
    }


def _counts(table: Any) -> dict[str, int]:
    return {"equal": int(table["repeats"].sum()), "near": int(table["near_repeats"].sum())}


def _checked(folder: Path, found: Posts) -> CheckedDataset:
    limits, place = Validation(), folder / "newsgroups"
    write_jsonl(place / "quarantine.jsonl", [])
    for split in ("train", "dev"):
        write_rows(place / f"{split}.jsonl", [row for at, row in found if at == split])
    heldout = (row for at, row in found if at == "heldout")
    write_fingerprints(place / "heldout.fingerprints.jsonl", heldout, limits.short_words)
    (dataset,) = read_datasets(folder, TASKS, limits)
    return dataset


def markdown(result: dict[str, Any]) -> str:
    return "\n".join(
        [
            "# Raw 20 Newsgroups: duplicates and shortcuts",
            "",
            "    PLAIT_MIRROR=../shared/data python benchmarks/newsgroups_shortcuts.py",
            "",
            "## Posts that stand twice",
            "",
            "Equal: but for white space. Near: the same words, or (from "
            f"{Validation().short_words} words on) word 2-shingles with a",
            f"Jaccard similarity of at least {Validation().near_duplicate}; replies that quote "
            "most of a post are among them.",
            *_twice(result["duplicates"]),
            "",
            "## How far a model gets",
            "",
            "Accuracy of TF-IDF (words, sublinear, in two posts or more) and a linear SVM, trained",
            "on the published training posts, on the published test posts; 95 % interval (Wilson).",
            "",
            "| text | topic20 | topic7 | n |",
            "|---|---|---|---|",
            *map(_probe, result["probes"]),
            "",
        ]
    )


def _twice(duplicates_: dict[str, Any]) -> Iterator[str]:
    for text, found in duplicates_.items():
        leaks_, posts_ = found["leaks"], found["posts"]
        yield ""
        yield (
            f"**{text.capitalize()}**: of {posts_['heldout']:,} held-out posts "
            f"{leaks_['exact']:,} stand in train or dev, {leaks_['near']:,} nearly so. Posts with"
        )
        yield "an equal (a near) post of another label, in train and dev: " + ", ".join(
            f"{name} {counts['equal']:,} ({counts['near']:,})"
            for name, counts in found["conflicts"].items()
        )
        yield from ("", "| split | posts | repeat an earlier post | nearly repeat one |")
        yield "|---|---|---|---|"
        for split, counts in found["repeats"].items():
            name = split.replace("heldout", "held-out")
            yield f"| {name} | {posts_[split]:,} | {counts['equal']:,} | {counts['near']:,} |"


def _probe(row: dict[str, Any]) -> str:
    return f"| {row['text']} | {_said(row['topic20'])} | {_said(row['topic7'])} | " + (
        f"{row['topic20']['n']:,} |"
    )


def _said(found: dict[str, Any]) -> str:
    return f"{found['accuracy']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


def main() -> None:
    options = arguments()
    step = 10 if options.quick else 1
    with tempfile.TemporaryDirectory() as scratch:
        texts = {name: posts(Path(scratch), strip)[::step] for name, strip in PROBES}
    texts["headers alone"] = headers(texts["whole posts"])
    result = {
        "duplicates": {
            name: duplicates(texts[name]) for name in ("whole posts", "without headers")
        },
        "probes": [
            {"text": name, **{t.name: accuracy(found, t.field) for t in TASKS}}
            for name, found in texts.items()
        ],
    }
    print(markdown(result))
    if not options.quick:
        write_json(RESULTS / "newsgroups.json", result)
        (RESULTS / "newsgroups.md").write_text(markdown(result), encoding="utf-8")


if __name__ == "__main__":
    main()
