"""A counter that shows whether the threads that change it wait for one another."""

import time
from collections import Counter


class Unhurried(Counter[str]):
    """Others may change a number between its reading and its writing."""

    def __getitem__(self, name: str) -> int:
        return self.get(name, 0)

    def get(self, name: str, default: int = 0) -> int:  # type: ignore[override]
        """The number, after all other threads had their turn."""
        found = super().get(name, default)
        time.sleep(0)
        return found
