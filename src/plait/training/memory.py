"""Out-of-memory errors that name what was computed and which setting to lower; without torch."""

from collections.abc import Iterator
from contextlib import contextmanager

from plait.errors import PlaitError

ANSWERS = "Answer fewer at once, or lower training.max_length of the candidate."
"""Remedy where memory runs out while a model answers."""

# What the allocators of torch and ONNX Runtime on a CPU say, in an error of no kind of its own.
_SIGNS = ("can't allocate memory", "not enough memory", "Failed to allocate memory", "bad_alloc")


@contextmanager
def memory_for(what: str, remedy: str) -> Iterator[None]:
    """Turn an out-of-memory error, on GPU or CPU, into one that says what was computed.

    Raises:
        PlaitError: memory ran out in the block.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise PlaitError(f"memory ran out {what}: {error}. {remedy}") from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that no memory is left, on GPU or CPU."""
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # torch's
    return known or any(sign in str(error) for sign in _SIGNS)
