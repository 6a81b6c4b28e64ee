"""Exact search for the most probable of a closed set of answers.

The answers' tokens form a trie. At every branching the model's probabilities are renormalised over
the tokens that lead to an answer, so the answers' probabilities sum to one; where only one token
can follow, its probability is one and the model need not be asked. Best-first search asks it only
where the winner, or more than `tolerance` of the probability, is still open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plait.approaches.reading.texts import Tokens
from plait.errors import PlaitError

Path = tuple[int, ...]


class Trie:
    """Answers by their tokens; no answer's tokens may begin another's (each ends in a mark).

    Args:
        answers: name → tokens.

    Raises:
        PlaitError: there is no answer, two have the same tokens, or one begins another.
    """

    def __init__(self, answers: Mapping[str, Tokens]) -> None:
        if not answers:
            raise PlaitError("found no answer to choose from; expected at least one label")
        self.answers = dict(answers)
        self._below: dict[Path, dict[int, None]] = {}
        self._named: dict[Path, str] = {}
        self._after: dict[str, Trie] = {}
        for name, tokens in answers.items():
            self._add(name, tokens)
        for name, tokens in answers.items():
            if tokens in self._below:
                _, other = self.names_below(tokens)[:2]
                raise PlaitError(f"the tokens of {name!r} begin those of {other!r}; rename one")

    def _add(self, name: str, tokens: Tokens) -> None:
        if tokens in self._named:
            raise PlaitError(
                f"{self._named[tokens]!r} and {name!r} have the same tokens, so no answer can "
                "tell them apart; rename one"
            )
        self._named[tokens] = name
        for end, token in enumerate(tokens):
            self._below.setdefault(tokens[:end], {})[token] = None

    def after(self, name: str) -> "Trie":
        """The answers that stand after one in the order given."""
        if name not in self._after:
            names = list(self.answers)
            rest = names[names.index(name) + 1 :]
            self._after[name] = Trie({each: self.answers[each] for each in rest})
        return self._after[name]

    def choices(self, path: Path) -> list[int]:
        """Tokens that may follow a path."""
        return list(self._below[path])

    def branching(self, path: Path) -> Path:
        """The first path, from this one on, where there is a choice or an answer is complete."""
        while len(below := self._below.get(path, ())) == 1:
            path = (*path, *below)
        return path

    def name(self, path: Path) -> str | None:
        """The answer that a path completes."""
        return self._named.get(path)

    def names_below(self, path: Path) -> list[str]:
        """All answers that begin with a path."""
        return [name for name, tokens in self.answers.items() if tokens[: len(path)] == path]

    def ahead(self, path: Path) -> list[Path]:
        """The branchings that the choices after a branching lead to."""
        reached = (self.branching((*path, token)) for token in self._below[path])
        return [found for found in reached if found not in self._named]


@dataclass
class Search:
    """The state of one search. Ask the model for `wanted()`, tell it with `expand`, until done."""

    trie: Trie
    tolerance: float = 0.0
    found: dict[str, float] = field(default_factory=dict)
    frontier: dict[Path, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reach((), 1.0)

    def _reach(self, path: Path, probability: float) -> None:
        path = self.trie.branching(path)
        name = self.trie.name(path)
        if name is None:
            self.frontier[path] = probability
        else:
            self.found[name] = probability

    def wanted(self) -> list[Path]:
        """Paths whose next-token probabilities are needed; empty when the search is done."""
        best = max(self.found.values(), default=0.0)
        rest = sum(self.frontier.values())
        needed: list[Path] = []
        for path, probability in sorted(
            self.frontier.items(), key=lambda item: (-item[1], item[0])
        ):
            could_win = not needed and probability >= best
            if not could_win and rest <= self.tolerance:
                break
            needed.append(path)
            rest -= probability
        return needed

    def looked_at(self, wanted: Sequence[Path], room: int) -> list[Path]:
        """The wanted paths and, where `room` tokens reach all those after one, those ahead of it.

        They save a later pass. Parents stand before children.
        """
        found = list(wanted)
        for path in found:
            ahead = self.trie.ahead(path)
            cost = sum(len(end) - len(path) for end in ahead)
            if cost <= room:
                found += ahead
                room -= cost
        return found

    def expand(self, path: Path, probabilities: Sequence[float]) -> None:
        """Take in the renormalised probabilities of `trie.choices(path)`."""
        reached = self.frontier.pop(path)
        for token, share in zip(self.trie.choices(path), probabilities, strict=True):
            self._reach((*path, token), reached * share)

    def probabilities(self) -> dict[str, float]:
        """Every answer's probability; what is not resolved is shared out evenly below its path."""
        found = dict(self.found)
        for path, probability in self.frontier.items():
            names = self.trie.names_below(path)
            found.update(dict.fromkeys(names, probability / len(names)))
        return {name: found[name] for name in self.trie.answers}

    def best(self) -> str:
        """The most probable answer; the first in order where several are."""
        found = self.probabilities()
        return max(found, key=lambda name: found[name])
