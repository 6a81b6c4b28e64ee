"""Out-of-memory errors that name what was computed and which setting to lower."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from plait.errors import PlaitError

ANSWERS = "Answer fewer at once, or lower training.max_length of the candidate."
"""Remedy where memory runs out while a model answers."""

# What torch's allocator on a CPU says, in a plain RuntimeError.
_SIGNS = ("can't allocate memory", "not enough memory")


@contextmanager
def memory_for(what: str, remedy: str) -> Iterator[None]:
    """Turn an out-of-memory error, on GPU or CPU, into one that says what was computed.

    Raises:
        PlaitError: memory ran out in the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise PlaitError(f"memory ran out {what}: {error}. {remedy}") from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that no memory is left, on GPU or CPU."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(sign in str(error) for sign in _SIGNS)
