"""Splits that depend on a row's id and the seed alone, never on the order of rows."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from plait.tasks import Row, Split


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


def with_dev(
    rows: Sequence[tuple[Split, Row]], field: str, fraction: float, seed: int
) -> Iterator[tuple[Split, Row]]:
    """The rows, with `fraction` of the training rows of each label of `field` as the dev split."""
    training = ((row.id, str(row.labels[field])) for split, row in rows if split == "train")
    dev = stratified(training, fraction, seed)
    for split, row in rows:
        yield ("dev" if row.id in dev else split), row
