"""Values of every row, kept small: arrays in a temporary file, names in one run of bytes."""

import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_BUFFER = 1 << 20


class Spilled:
    """Arrays of one type and any length, in a temporary file that ends with its process.

    It takes 8 bytes of memory an array. The file lies in the system's folder for temporary files
    (`TMPDIR`).
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile(prefix="plait-", buffering=_BUFFER)  # noqa: SIM115
        self._ends = array("Q", [0])
        self._written = 0

    def append(self, values: NDArray[Any]) -> None:
        """Add one array, (length,)."""
        self._file.write(values.astype(self.dtype, copy=False).tobytes())
        self._ends.append(self._ends[-1] + len(values))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> NDArray[Any]:
        """(length,): the array that was added as number `index`, from 0."""
        return self._read(self._ends[index], self._ends[index + 1])

    def sizes(self) -> NDArray[np.int64]:
        """(arrays,): the length of each array."""
        ends = np.array(self._ends, dtype=np.int64)
        return ends[1:] - ends[:-1]

    def blocks(self, values: int) -> Iterator[tuple[NDArray[Any], NDArray[np.int64]]]:
        """All arrays in their order, some at a time: their values joined, and their lengths.

        Args:
            values: the most values of a block, unless one array alone has more.
        """
        ends = np.array(self._ends, dtype=np.int64)
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(ends, ends[start] + values, side="right")) - 1
            stop = max(start + 1, stop)
            joined = self._read(int(ends[start]), int(ends[stop]))
            yield joined, ends[start + 1 : stop + 1] - ends[start:stop]
            start = stop

    def between(self, index: int, least: int, most: int) -> NDArray[Any]:
        """The values from `least` to below `most` of array number `index`, which is sorted."""
        places = range(self._ends[index], self._ends[index + 1])
        start, stop = (bisect_left(places, each, key=self._value) for each in (least, most))
        return self._read(places.start + start, places.start + stop)

    def _value(self, place: int) -> int:
        return int(self._read(place, place + 1)[0])

    def _read(self, start: int, stop: int) -> NDArray[Any]:
        if stop > self._written:
            self._file.flush()
            self._written = self._ends[-1]
        size = self.dtype.itemsize
        data = os.pread(self._file.fileno(), (stop - start) * size, start * size)
        return np.frombuffer(data, self.dtype)


class Selected:
    """Some of the arrays, in an order of their own.

    Args:
        numbers: (selected,): the number in `arrays` of each.
    """

    def __init__(self, arrays: Spilled, numbers: NDArray[Any]) -> None:
        self._arrays, self._numbers = arrays, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> NDArray[Any]:
        return self._arrays[int(self._numbers[index])]

    def sizes(self) -> NDArray[np.int64]:
        """(selected,): the length of each array."""
        return np.asarray(self._arrays.sizes()[self._numbers])


class Names:
    """Strings in one run of bytes; lone surrogates are kept."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        for name in names:
            self.append(name)

    def append(self, name: str) -> None:
        self._bytes += name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        found = self._bytes[self._ends[index] : self._ends[index + 1]]
        return found.decode("utf-8", "surrogatepass")
