"""Verifying: registry, outputs and DVC's cache, read again; and mended where that is asked."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from plait.registry import checking
from plait.registry.acts import acting
from plait.registry.checking import Finding
from plait.registry.mending import Unmended
from plait.registry.store import Registry
from plait.running import integrity
from plait.running.donors import bring, project
from plait.running.processes import only_run


@dataclass
class Result:
    """What was found.

    Attributes:
        mended: findings that are no more, each with what was done.
        left: findings that remain, each with what is left to do.
        looked: how much of DVC's cache and the outputs was read.
        seconds: how long reading took.
        summary: what was looked at in the registry.
    """

    mended: list[tuple[Finding, str]] = field(default_factory=list)
    left: list[tuple[Finding, str]] = field(default_factory=list)
    looked: integrity.Looked = field(default_factory=integrity.Looked)
    seconds: float = 0.0
    summary: str = ""

    def lines(self) -> Iterator[str]:
        """For a person."""
        for finding, done in self.mended:
            yield f"{finding.place}: {finding.found}. Mended: {done}."
        for finding, remedy in self.left:
            yield f"{finding.place}: {finding.found}. Mend it: {remedy}."
        yield self.summary
        if self.looked.outputs:
            rate = self.looked.size / 1e6 / max(self.seconds, 1e-9)
            yield (
                f"DVC: {self.looked.outputs} outputs; cache {self.looked.files:,} files, "
                f"{self.looked.size / 1e6:,.1f} MB at {rate:,.0f} MB/s"
            )
        yield f"{len(self.left)} findings left." if self.left else "All of it is intact."

    def as_json(self) -> dict[str, Any]:
        """For a script."""
        return {
            "intact": not self.left,
            "mended": [
                {"place": str(f.place), "found": f.found, "done": done} for f, done in self.mended
            ],
            "left": [
                {"place": str(f.place), "found": f.found, "remedy": remedy}
                for f, remedy in self.left
            ],
        }


def verify(root: Path, mend: bool) -> Result:
    """Check registry, outputs and DVC's cache of the project in `root`, and mend what can be.

    Waits for a run of the project to end, whose outputs come and go.

    Raises:
        PlaitError: another act holds the registry, or the disk refuses a write.
    """
    result = Result()
    if (root / ".dvc").is_dir():
        with only_run(root, _waiting), project(root) as repo:
            _settle(_in_dvc(repo, root, result), result, mend)
    registry = Registry(root)
    # An act in between would look like one that was stopped; who may only read can't wait for it.
    waits = mend or os.access(registry.folder, os.W_OK)
    with acting(registry, checking.MEND) if waits else nullcontext():
        _settle(checking.check(registry, partial(bring, root)), result, mend)
    services = registry.known()
    count = sum(len(registry.numbers(service)) for service in services)
    result.summary = (
        f"{registry.folder}: {len(services)} services, {count} records, "
        f"{len(registry.bundles())} bundles"
    )
    return result


def _waiting() -> None:
    print("A run of this project is going on: waiting for its end", file=sys.stderr, flush=True)


def _in_dvc(repo: Any, root: Path, result: Result) -> Iterator[Finding]:
    """The cache first, from which outputs are mended."""
    began = time.monotonic()
    yield from integrity.check_cache(repo, root, result.looked)
    result.seconds = time.monotonic() - began
    yield from integrity.check_outputs(repo, root, result.looked)


def _settle(findings: Iterable[Finding], result: Result, mend: bool) -> None:
    """Mend each finding as it comes: what is mended first may be what mends a later one."""
    for finding in findings:
        if not (mend and finding.mend):
            result.left.append((finding, finding.remedy))
            continue
        try:
            result.mended.append((finding, finding.mend()))
        except Unmended as left:
            result.left.append((finding, str(left)))
