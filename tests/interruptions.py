"""What may stop a write: a full disk, or a kill, before any one of its steps."""

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest


class Step:
    """Counts what a promotion does to the disk, and stops it before the one that is named."""

    def __init__(self, patch: pytest.MonkeyPatch, stop: Callable[[], None], at: int | None) -> None:
        self.count = 0
        self.stop, self.at = stop, at
        for name in ("fsync", "replace", "rename"):
            patch.setattr(os, name, self.watched(getattr(os, name)))

    def watched(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count - 1 == self.at:
                self.stop()
            return original(*arguments, **options)

        return step


def disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
