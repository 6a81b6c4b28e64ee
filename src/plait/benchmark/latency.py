"""Latency of one answer, throughput of many, and the machine that they were measured on.

After a warm-up, single texts are timed one by one (batch 1) and a larger set in batches (saturated:
the batch size that answers most rows a second). The clock is read when the device has finished.
Each measurement ends after some seconds, but not before `MINIMUM` texts, so that slow models are
timed on fewer texts; the number is reported.
"""

import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from plait.approaches.base import Approach
from plait.machine import cores, processor, threads

WARM_UP = 5
MINIMUM = 20
TEXTS = 200
BATCH_SIZES = (32, 128)
ROWS = 256
SECONDS = 2.0
MIB = 2**20
# The 99th percentile of fewer texts is their maximum, or nearly so.
ENOUGH_FOR_P99 = 100
# No meter stands behind this: about what a server's processor takes for a core at work.
WATTS_A_CORE = 10.0


def measure(
    model: Approach, texts: Mapping[str, Sequence[str]], seconds: float = SECONDS
) -> dict[str, Any]:
    """Time a model on real texts, given by dataset.

    Returns:
        By dataset p50, p95 and p99 of the latency at batch 1 (ms), rows a second at the best of
        `BATCH_SIZES`, and the energy of an answer (an estimate from the processor's time); the
        number of parameters; the process's peak memory (MiB), which holds the model and the
        libraries that it needs; the GPU's peak memory where there is one; the machine.
    """
    return {
        "datasets": {
            name: {
                **latency(model.predict, spread(found, TEXTS), seconds),
                **throughput(model.predict, spread(found, ROWS), seconds),
            }
            for name, found in texts.items()
        },
        "parameters": model.parameters_count(),
        "memory": {"peak_rss_mib": peak_rss_mib(), **gpu_memory()},
        "machine": machine(),
    }


def spread(texts: Sequence[str], count: int) -> list[str]:
    """At most `count` texts at equal distances, so that all of the order's regions are in."""
    picked = np.linspace(0, len(texts) - 1, min(count, len(texts))).round().astype(int)
    return [texts[index] for index in picked]


def latency(
    answer: Callable[..., object], texts: Sequence[str], seconds: float = SECONDS
) -> dict[str, Any]:
    """Percentiles of the time that `answer([text])` takes: `{"texts", "p50_ms", …}`."""
    for text in texts[:WARM_UP]:
        answer([text])
    return percentiles(list(_timed(answer, ([text] for text in texts), seconds, MINIMUM)))


def percentiles(times: Sequence[float]) -> dict[str, Any]:
    """Seconds → `{"texts", "p50_ms", "p95_ms", "p99_ms"}`; p99 is None for too few texts."""
    p50, p95, p99 = (round(float(value), 3) for value in np.percentile(times, [50, 95, 99]) * 1000)
    return {
        "texts": len(times),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99 if len(times) >= ENOUGH_FOR_P99 else None,
    }


def throughput(
    answer: Callable[..., object], texts: Sequence[str], seconds: float = SECONDS
) -> dict[str, Any]:
    """Rows a second when all of `texts` are given at once, as often as fits in `seconds`.

    Returns:
        `batch_size`: the one of `BATCH_SIZES` that was fastest; `rows_per_second` with it; and
        `joule_per_answer`: the processor's time with it at `WATTS_A_CORE`, None with a GPU.
    """
    parts = [_at_batch_size(answer, texts, each, seconds / 2) for each in BATCH_SIZES]
    return max(parts, key=lambda part: float(part["rows_per_second"]))


def _at_batch_size(
    answer: Callable[..., object], texts: Sequence[str], batch_size: int, seconds: float
) -> dict[str, Any]:
    answer(texts[:batch_size], batch_size=batch_size)

    def whole(batch: Sequence[str]) -> None:
        answer(batch, batch_size=batch_size)

    busy = time.process_time()
    times = list(_timed(whole, repeat(texts), seconds, 1))
    busy, rows = time.process_time() - busy, len(texts) * len(times)
    return {
        "batch_size": batch_size,
        "rows_per_second": round(rows / sum(times), 2),
        "joule_per_answer": None if _cuda() else round(WATTS_A_CORE * busy / rows, 6),
    }


def tokens_in(folder: Path, texts: Sequence[str], longest: int) -> dict[str, float] | None:
    """Tokens that a model reads of a text, mean and p95; None for a bundle without a tokenizer.

    Args:
        folder: the bundle.
        longest: how many tokens of a text the model reads at most.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    counts = [len(found.ids) for found in tokenizer.encode_batch(list(texts))]
    return {
        "mean": round(float(np.mean(counts)), 2),
        "p95": round(float(np.percentile(counts, 95)), 2),
    }


def bytes_on_disk(folder: Path) -> int:
    """All files of a bundle together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _timed(
    answer: Callable[[Sequence[str]], object],
    batches: Iterator[Sequence[str]],
    seconds: float,
    minimum: int,
) -> Iterator[float]:
    """Seconds per batch, until `seconds` have passed and `minimum` batches have been timed."""
    begun = time.perf_counter()
    for done, batch in enumerate(batches, start=1):
        synchronise()
        started = time.perf_counter()
        answer(batch)
        synchronise()
        ended = time.perf_counter()
        yield ended - started
        if done >= minimum and ended - begun > seconds:
            return


def _torch() -> Any:
    """torch, if the model has imported it: importing it here would add to the measured memory."""
    return sys.modules.get("torch")


def _cuda() -> Any:
    torch = _torch()
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def synchronise() -> None:
    """Wait until the GPU, if there is one, has finished its work."""
    if cuda := _cuda():
        cuda.synchronize()


def gpu_memory() -> dict[str, float]:
    """`{"peak_gpu_mib": …}` where there is a GPU."""
    return (
        {"peak_gpu_mib": round(cuda.max_memory_allocated() / MIB, 1)} if (cuda := _cuda()) else {}
    )


def peak_rss_mib() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage's figure is inherited from the parent across exec; VmHWM is the process's own.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return round(int(fields["VmHWM"].split()[0]) / 1024, 1)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB, 1)


def machine() -> dict[str, Any]:
    """The machine of a measurement: processor, cores, memory, system, versions, threads, GPU."""
    torch, cuda = _torch(), _cuda()
    return {
        "cpu": processor(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": version("torch"),
        "onnxruntime": version("onnxruntime"),
        "threads": torch.get_num_threads() if torch else threads(),
        "gpu": cuda.get_device_name() if cuda else None,
    }
