"""Near-duplicates with edits of a known share of the words: how many are found, and what besides.

Copies of newsgroup posts (without headers, footers and quotes) are planted with 1 to 20 % of their
words replaced, removed or preceded by another, at random. Every pair that was not planted counts
as a mistake, natural near-duplicates among the posts included: precision is a lower bound.
Writes docs/results/near_duplicates.{json,md}.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from plait.datasets.massive import Massive
from plait.datasets.twenty_newsgroups import TwentyNewsgroups
from plait.experiment.schema import Validation
from plait.files import write_json
from plait.leakage.matches import Text, match
from plait.leakage.near import near_pairs
from plait.leakage.shingles import shingles, words, words_digest

RESULTS = Path("docs/results")
SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2)
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
LIMITS = Validation()
SEED = 17


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="500 posts; writes nothing")
    return parser.parse_args()


def posts() -> list[list[str]]:
    """The words of the posts that are compared by shingles."""
    strip = ("headers", "footers", "quotes")
    reader = TwentyNewsgroups(reader="twenty_newsgroups", variant="raw", strip=strip)
    found = [words(row.text) for _, row in _rows(reader)]
    return [each for each in found if len(each) >= LIMITS.short_words]


def utterances() -> list[list[str]]:
    """The words of the training rows of MASSIVE en-US."""
    return [words(row.text) for split, row in _rows(Massive(reader="massive")) if split == "train"]


def _rows(reader: Any) -> list[Any]:
    with tempfile.TemporaryDirectory() as scratch:
        for source in reader.sources():
            source.fetch(Path(scratch))
        return list(reader.read(Path(scratch), SEED))


def edited(
    text: Sequence[str], share: float, others: Sequence[str], rng: random.Random
) -> list[str]:
    """The text with that share of its words (at least one) replaced, removed or preceded."""
    found = list(text)
    places = rng.sample(range(len(found)), max(1, round(share * len(found))))
    for place in sorted(places, reverse=True):
        kind, word = rng.randrange(3), rng.choice(others)
        found[place : place + 1] = ([word], [], [word, found[place]])[kind]
    return found


def curve(base: Sequence[list[str]], size: int) -> list[dict[str, Any]]:
    """Recall and precision for each share of edits and threshold, shingles of `size` words."""
    rng = random.Random(SEED)
    others = [word for text in base for word in text]
    originals = [shingles(text, size) for text in base]
    rows = []
    for share in SHARES:
        copies = [shingles(edited(text, share, others, rng), size) for text in base]
        found = near_pairs([*originals, *copies], min(THRESHOLDS))
        planted = found.second == found.first + len(base)
        for threshold in THRESHOLDS:
            kept = found.similarity >= threshold
            hits, pairs = int((kept & planted).sum()), int(kept.sum())
            rows.append(
                {
                    "shingle": size,
                    "share": share,
                    "threshold": threshold,
                    "recall": rated(hits, len(base)),
                    "precision": rated(hits, pairs),
                }
            )
    return rows


def rated(hits: int, of: int) -> dict[str, Any]:
    """A share with its count and its 95 % interval (Wilson)."""
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return {
        "value": round(hits / of, 4),
        "n": of,
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
    }


def flood(texts: Sequence[list[str]]) -> dict[str, int]:
    """Utterances called near an earlier one: with the rule for short texts, and without it."""
    counts = {}
    for short in (LIMITS.short_words, 2):
        side = ("massive", "train")
        every = [
            Text(
                "",
                " ".join(t),
                words_digest(t) if t else None,
                shingles(t) if len(t) >= short else None,
            )
            for t in texts
        ]
        found = match({side: every}, LIMITS.near_duplicate)
        counts[str(short)] = int(np.sum(found.near_repeats(side)))
    return {"rows": len(texts), **counts}


def _text(found: list[str], short: int) -> Text:
    sets = shingles(found) if len(found) >= short else None
    return Text("", " ".join(found), words_digest(found) if found else None, sets)


def markdown(result: dict[str, Any]) -> str:
    lines = [
        "# Near-duplicates: recall and precision",
        "",
        "    PLAIT_MIRROR=../shared/data python benchmarks/near_duplicates.py",
        "",
        f"{result['posts']:,} posts of 20 Newsgroups without headers, footers and quotes, of at "
        f"least {LIMITS.short_words}",
        "words; a copy of each is planted with that share of its words",
        "replaced, removed or preceded by another, at random (seed 17). Every pair that was not",
        "planted counts as a mistake, natural near-duplicates included. 95 % intervals (Wilson).",
        "",
        f"Default: word 2-shingles, Jaccard of at least {LIMITS.near_duplicate}.",
        "",
        "| shingle | edits | threshold | recall | precision |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['shingle']} words | {row['share']:.0%} | {row['threshold']} | "
        f"{_said(row['recall'])} | {_said(row['precision'])} |"
        for row in result["curve"]
    ]
    short = result["utterances"]
    lines += [
        "",
        f"Short texts: of {short['rows']:,} training utterances of MASSIVE en-US (SLURP/HWU",
        f"reconstruction) {short[str(LIMITS.short_words)]:,} are called near an earlier one with "
        f"the default rule (below {LIMITS.short_words} words",
        f"only texts with the same words, in order, are alike), {short['2']:,} without it.",
        "",
    ]
    return "\n".join(lines)


def _said(rate: dict[str, Any]) -> str:
    return f"{rate['value']:.3f} ({rate['low']:.3f}–{rate['high']:.3f}, n {rate['n']:,})"


def main() -> None:
    options = arguments()
    every = posts()
    base = random.Random(SEED).sample(every, 500 if options.quick else 3000)
    result = {
        "posts": len(base),
        "curve": [row for size in (2, 3) for row in curve(base, size)],
        "utterances": flood(utterances()),
    }
    print(markdown(result))
    at_default = [
        row
        for row in result["curve"]
        if (row["shingle"], row["threshold"]) == (2, LIMITS.near_duplicate)
    ]
    for measure in ("recall", "precision"):
        least = min(row[measure]["value"] for row in at_default)
        print(f"least {measure} at the default: {least:.3f}")
    if not options.quick:
        write_json(RESULTS / "near_duplicates.json", result)
        (RESULTS / "near_duplicates.md").write_text(markdown(result), encoding="utf-8")


if __name__ == "__main__":
    main()
