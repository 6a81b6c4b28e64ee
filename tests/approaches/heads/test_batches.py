"""Which texts are answered together."""

from hypothesis import given
from hypothesis import strategies as st

from plait.approaches.heads.model import batches

LENGTHS = st.lists(st.integers(1, 300), max_size=200)


@given(LENGTHS, st.integers(1, 70), st.none() | st.integers(1, 600))
def test_every_text_once_and_no_batch_too_large(
    lengths: list[int], most: int, tokens: int | None
) -> None:
    found = list(batches(lengths, most, tokens))
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    inner = [[lengths[place] for place in batch] for batch in found]
    assert [each for batch in inner for each in batch] == sorted(lengths)
    for batch in inner:
        assert 0 < len(batch) <= most
        assert len(batch) == 1 or tokens is None or len(batch) * max(batch) <= tokens


def test_texts_of_one_length_need_no_padding() -> None:
    assert list(batches([9, 4, 9, 4], 2, 512)) == [[1, 3], [0, 2]]
    assert list(batches([300, 300, 200, 300], 64, 512)) == [[2], [0], [1], [3]]
