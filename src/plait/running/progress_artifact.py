"""A stage's progress as a Prefect artifact, which Prefect's pages show as a bar."""

import hashlib
import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

SECONDS_BETWEEN = 2.0


def key(kind: str, address: str) -> str:
    """An artifact key (lower-case letters, digits and dashes), unique for each address.

    An address with other characters gets two dashes and a digest at its end.

    >>> key("summary", "validate")
    'summary-validate'
    >>> key("progress", "train@minilm-intent+slots")
    'progress-train-minilm-intent-plus-slots--c448ebdd'
    """
    words = re.sub(r"[^a-z0-9]+", "-", address.lower().replace("+", "-plus-")).strip("-")
    digest = hashlib.sha256(address.encode()).hexdigest()[:8]
    return f"{kind}-{words}" if words == address else f"{kind}-{words}--{digest}"


class ProgressArtifact:
    """The artifact appears with the first figures of the stage.

    Use it inside the task run that it belongs to.
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._id: UUID | None = None
        self._next = 0.0

    def update(self, figures: Mapping[str, Any]) -> None:
        """Show `plait.progress` figures, at most every `SECONDS_BETWEEN` seconds."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SECONDS_BETWEEN
        total = float(figures["total"] or 0)
        self._show(100 * float(figures["done"]) / total if total else 0.0, describe(figures))

    def close(self) -> None:
        """Show that the stage has succeeded."""
        if self._id is not None:
            self._show(100.0, f"{self.stage}: done")

    def _show(self, percent: float, description: str) -> None:
        percent = min(100.0, max(0.0, percent))
        if self._id is None:
            made = create_progress_artifact(percent, key("progress", self.stage), description)
            self._id = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(self._id, percent, description)


def describe(figures: Mapping[str, Any]) -> str:
    """`label: done/total, loss 0.12` for a person."""
    shown = [f"{figures['label']}: {figures['done']:g}/{figures['total']:g}"]
    shown += [f"{name} {value}" for name, value in figures["figures"].items()]
    return ", ".join(shown)
