"""Splits that depend on a row's id and the seed alone, never on the order of rows."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from plait.tasks import Row, Split

_NAMES: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "heldout",
    "testing": "heldout",
    "heldout": "heldout",
    "held-out": "heldout",
}


def split_named(name: str) -> Split:
    """The split that people call so, in any case: `Test` and `heldout` are one.

    Raises:
        ValueError: the name is none of a split.
    """
    found = _NAMES.get(name.strip().lower())
    if found is None:
        raise ValueError(f"found {name!r}, expected one of {', '.join(_NAMES)}")
    return found


def names_split(name: str) -> bool:
    """Whether people call a split so."""
    return name.strip().lower() in _NAMES


def split_in_name(path: str) -> Split | None:
    """The split that a file's path names: dev for `data/validation-0001.parquet`."""
    words = re.findall(r"[a-z]+", path.lower())
    return next((_NAMES[word] for word in reversed(words) if word in _NAMES), None)


def rank(seed: int, *keys: str) -> str:
    """A hex string; sorting by it gives a random order that is the same on every machine."""
    joined = "\0".join([str(seed), *keys])
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def stratified(rows: Iterable[tuple[str, str]], fraction: float, seed: int) -> frozenset[str]:
    """Draw `fraction` of the ids of each stratum, rounded, but never all of a stratum.

    Where small strata round most of the draw away, each gives one more id in turn until `fraction`
    of all ids, and at least one, are drawn. `rows` are pairs of id and stratum (the label). The
    order of rows has no influence.
    """
    strata: dict[str, list[str]] = defaultdict(list)
    for identity, stratum in rows:
        strata[stratum].append(identity)
    chosen: list[str] = []
    left: list[tuple[int, str, str]] = []
    for identities in strata.values():
        identities.sort(key=lambda identity: rank(seed, identity))
        count = len(identities)
        taken = min(int(count * fraction + 0.5), count - 1)
        chosen += identities[:taken]
        rest = enumerate(identities[taken : count - 1])
        left += [(turn, rank(seed, identity), identity) for turn, identity in rest]
    wanted = max(1, int(sum(map(len, strata.values())) * fraction + 0.5))
    if 2 * len(chosen) < wanted:
        chosen += [identity for *_, identity in sorted(left)[: wanted - len(chosen)]]
    return frozenset(chosen)


def rarest_labels(sets: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Id → the rarest of the row's labels, of those with several; the first by name of equals.

    As strata they spread rare labels over the splits (Sechidis et al. 2011, "On the Stratification
    of Multi-Label Data", goes on from there label by label).
    """
    counts = Counter(label for labels in sets.values() for label in labels)
    return {
        name: min(labels, key=lambda label: (counts[label], label))
        for name, labels in sets.items()
        if labels
    }


def with_dev(
    rows: Sequence[tuple[Split, Row]], field: str, fraction: float, seed: int
) -> Iterator[tuple[Split, Row]]:
    """The rows, with `fraction` of the training rows of each label of `field` as the dev split."""
    training = ((row.id, str(row.labels[field])) for split, row in rows if split == "train")
    dev = stratified(training, fraction, seed)
    for split, row in rows:
        yield ("dev" if row.id in dev else split), row
