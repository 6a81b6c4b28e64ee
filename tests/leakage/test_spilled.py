"""Arrays in a file and names in one run of bytes come back as they were."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.leakage.spilled import Names, Selected, Spilled

ARRAYS = st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=6), max_size=12)


def spilled(arrays: list[list[int]]) -> Spilled:
    found = Spilled(np.uint64)
    for each in arrays:
        found.append(np.array(each, np.uint64))
    return found


@given(ARRAYS, st.integers(1, 20))
def test_arrays_come_back_one_by_one_and_in_blocks(arrays: list[list[int]], most: int) -> None:
    found = spilled(arrays)
    assert [each.tolist() for each in found] == arrays
    assert found.sizes().tolist() == [len(each) for each in arrays]
    blocks = list(found.blocks(most))
    assert [value for values, _ in blocks for value in values.tolist()] == list(chain(*arrays))
    assert [size for _, sizes in blocks for size in sizes.tolist()] == list(map(len, arrays))
    assert all(len(values) <= most or len(sizes) == 1 for values, sizes in blocks)


def test_arrays_can_be_read_between_two_writes() -> None:
    found = spilled([[1, 2]])
    assert found[0].tolist() == [1, 2]
    found.append(np.array([3], np.uint64))
    assert [each.tolist() for each in found] == [[1, 2], [3]]


@given(st.lists(st.integers(0, 30)), st.integers(0, 31), st.integers(0, 31))
def test_a_range_of_a_sorted_array(values: list[int], least: int, most: int) -> None:
    found = spilled([[7], sorted(values)]).between(1, least, max(least, most))
    assert found.tolist() == sorted(v for v in values if least <= v < max(least, most))


def test_some_arrays_in_another_order() -> None:
    some = Selected(spilled([[1], [2, 3], []]), np.array([2, 1]))
    assert (len(some), some.sizes().tolist()) == (2, [0, 2])
    assert [some[0].tolist(), some[1].tolist()] == [[], [2, 3]]


@given(st.lists(st.text(st.characters())))
def test_names_come_back(names: list[str]) -> None:
    found = Names(names)
    assert [found[i] for i in range(len(found))] == names


@pytest.mark.parametrize("name", ["\ud800", "", "é\n"])
def test_odd_names_come_back(name: str) -> None:
    assert Names([name, "next"])[0] == name
