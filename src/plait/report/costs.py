"""The cost of a plan's answers: latency of a request, memory, size, energy, training time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """Time of a whole request by way of asking the models, all ways in one process; and size.

    `ways` maps `in sequence` and, for several models, `in parallel` to p50, p95 and p99 (ms) at
    batch 1, rows a second (saturated) and joules an answer (an estimate). Parameters, bytes and
    memory are sums over the models, memory with a process each. `tokens_in` is the mean number of
    tokens that the models read of a text, summed; None where one has no tokenizer.
    """

    ways: Mapping[str, Json]
    parameters: int
    bytes: int
    peak_rss_mib: float
    peak_gpu_mib: float | None = None
    tokens_in: float | None = None
    training_seconds: float | None = None

    @property
    def p50_ms(self) -> float:
        """By the faster way."""
        return float(min(way["p50_ms"] for way in self.ways.values()))

    @property
    def rows_per_second(self) -> float:
        """By the faster way."""
        return float(max(way["rows_per_second"] for way in self.ways.values()))

    @property
    def joule_per_answer(self) -> float | None:
        """The lowest of the ways; None if it can't be estimated."""
        found = [way["joule_per_answer"] for way in self.ways.values()]
        return None if None in found else float(min(found))

    def with_training(self, seconds: Sequence[float | None]) -> "Cost":
        """With the time that the trainings took together, if each is known."""
        known = [each for each in seconds if each is not None]
        complete = len(known) == len(seconds)
        return replace(self, training_seconds=sum(known) if complete else None)


def cost(timings: Sequence[Json], ways: Mapping[str, Json]) -> Cost:
    """The cost of a plan from its models' timings and its own."""
    gpu = [timing["memory"].get("peak_gpu_mib") for timing in timings]
    return Cost(
        ways,
        sum(timing["parameters"] for timing in timings),
        sum(timing["bytes"] for timing in timings),
        sum(timing["memory"]["peak_rss_mib"] for timing in timings),
        None if None in gpu else sum(gpu),
        _tokens(timings),
    )


def _tokens(timings: Sequence[Json]) -> float | None:
    """Mean tokens of a text; with several datasets, of the one with the longest texts."""
    found = [list(timing["tokens_in"].values()) for timing in timings]
    if any(None in each for each in found):
        return None
    return float(sum(max(tokens["mean"] for tokens in each) for each in found))
