"""Latency of a request to each plan of a service: one text, all tasks, all models of the plan.

All plans of a service are timed in one process, in turns, text by text, since machines drift: only
such figures may stand in a ratio. A plan of several models is timed in sequence, and in parallel
with a thread a model; the threads share the processor's cores evenly.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from plait.approaches.base import Approach
from plait.benchmark.latency import (
    MINIMUM,
    ROWS,
    TEXTS,
    WARM_UP,
    machine,
    percentiles,
    spread,
    synchronise,
    throughput,
)
from plait.machine import cores, limit_threads
from plait.progress import Progress
from plait.scores.intervals import CONFIDENCE, RESAMPLES, SEED

SECONDS = 10.0
SEQUENCE, PARALLEL = "in sequence", "in parallel"
Plans = Mapping[str, Sequence[Approach]]
"""Models by plan."""


@dataclass(frozen=True)
class Way:
    """How a plan's models are called; `answer(texts, **options)` returns when all have answered."""

    plan: str
    name: str
    answer: Callable[..., None]


def time_plans(plans: Plans, texts: Sequence[str], seconds: float = SECONDS) -> dict[str, Any]:
    """Time requests to every plan of a service.

    Returns:
        `plans`: plan → way → p50, p95, p99 (ms) at batch 1 and rows a second, saturated;
        `ratios`: p50 of a plan of fewer models over p50 of one of more, with a 95 % interval by
        bootstrap over texts, for each way of asking them; `threads`: those of each model that is
        asked in parallel; the machine.
    """
    with ExitStack() as stack:
        ways = list(_ways(plans, stack))
        times = _in_turns(ways, spread(texts, TEXTS), seconds)
        saturated = [
            throughput(way.answer, spread(texts, ROWS), seconds / 5 / len(ways)) for way in ways
        ]
    measured: dict[str, dict[str, Any]] = {plan: {} for plan in plans}
    for way, own, full in zip(ways, times, saturated, strict=True):
        measured[way.plan][way.name] = {**percentiles(list(own)), **full}
    return {
        "plans": measured,
        "ratios": list(_ratios(plans, ways, times)),
        "threads": {plan: _threads(models) for plan, models in plans.items() if len(models) > 1},
        "machine": machine(),
    }


def _ways(plans: Plans, stack: ExitStack) -> Iterator[Way]:
    for plan, models in plans.items():
        yield Way(plan, SEQUENCE, partial(_one_by_one, models))
        if len(models) > 1:
            pool = ThreadPoolExecutor(
                len(models), initializer=limit_threads, initargs=(_threads(models),)
            )
            yield Way(plan, PARALLEL, partial(_at_once, stack.enter_context(pool), models))


def _one_by_one(models: Sequence[Approach], texts: Sequence[str], **options: Any) -> None:
    for model in models:
        model.predict(texts, **options)


def _at_once(
    pool: ThreadPoolExecutor, models: Sequence[Approach], texts: Sequence[str], **options: Any
) -> None:
    for done in [pool.submit(model.predict, texts, **options) for model in models]:
        done.result()


def _threads(models: Sequence[Approach]) -> int:
    return max(1, cores() // len(models))


def _in_turns(ways: Sequence[Way], texts: Sequence[str], seconds: float) -> Any:
    """Seconds of each way on each text, shape (ways, texts); the order turns round each time."""
    for way in ways:
        for text in texts[:WARM_UP]:
            way.answer([text])
    times: list[list[float]] = []
    begun = time.perf_counter()
    with Progress(len(texts), "requests", "text") as bar:
        for index, text in enumerate(texts):
            places = list(range(len(ways)))[:: 1 if index % 2 else -1]
            found = {place: _seconds(ways[place], text) for place in places}
            times.append([found[place] for place in range(len(ways))])
            bar.update()
            if len(times) >= MINIMUM and time.perf_counter() - begun > seconds:
                break
    return np.array(times).T


def _seconds(way: Way, text: str) -> float:
    synchronise()
    started = time.perf_counter()
    way.answer([text])
    synchronise()
    return time.perf_counter() - started


def _ratios(plans: Plans, ways: Sequence[Way], times: Any) -> Iterator[dict[str, Any]]:
    for i, one in enumerate(ways):
        for j, other in enumerate(ways):
            if len(plans[one.plan]) < len(plans[other.plan]):
                yield {
                    "plan": one.plan,
                    "way": one.name,
                    "to": other.plan,
                    "to_way": other.name,
                    **ratio_of_medians(times[i], times[j]),
                }


def ratio_of_medians(first: Any, second: Any) -> dict[str, Any]:
    """p50 over p50 of the same texts, with a 95 % interval by bootstrap over texts."""
    draw = np.random.default_rng(SEED)
    drawn = draw.integers(0, len(first), size=(RESAMPLES, len(first)))
    sampled = np.median(first[drawn], axis=1) / np.median(second[drawn], axis=1)
    low, high = np.quantile(sampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    value = float(np.median(first) / np.median(second))
    return {
        "ratio": round(value, 4),
        "ci95": [round(float(low), 4), round(float(high), 4)],
        "texts": len(first),
    }
