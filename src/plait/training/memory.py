"""Out-of-memory errors that name what was computed and which setting to lower; without torch."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from plait.errors import PlaitError

ANSWERS = "Answer fewer at once, or lower training.max_length of the candidate."
"""Remedy where memory runs out while a model answers."""

# What the allocators of torch, oneDNN and ONNX Runtime on a CPU say, in errors of no kind of their
# own. oneDNN has no primitive *descriptor* for what it doesn't know: that is no lack of memory.
_SIGNS = re.compile(
    "can't allocate memory|not enough memory|Failed to allocate memory|bad_alloc"
    "|could not create a primitive(?! descriptor)"
)


class OutOfMemory(PlaitError):  # noqa: N818 - torch has the name, too
    """Memory ran out."""


@contextmanager
def memory_for(what: str, remedy: str) -> Iterator[None]:
    """Turn an out-of-memory error, on GPU or CPU, into one that says what was computed.

    Raises:
        OutOfMemory: memory ran out in the block.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"memory ran out {what}: {error}. {remedy}") from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that no memory is left, on GPU or CPU."""
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # torch's
    return known or _SIGNS.search(str(error)) is not None
