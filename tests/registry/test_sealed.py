"""Sealed files: any altered byte shows, and a flipped bit can be turned back."""

import random
from pathlib import Path

import pytest

from plait.registry.sealed import read_sealed, repaired, seal, write_sealed

VALUE = {"record": 3, "reason": "Pläne — gewählt", "zones": {"sha256": "0" * 64, "b": [1.5, None]}}


@pytest.fixture(params=[VALUE, {"record": 3, "seal": "ab" * 32}], ids=["inner key", "last key"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write_sealed(tmp_path / "value.json", request.param)
    return tmp_path / "value.json"


def test_what_was_written_is_read(path: Path) -> None:
    value = read_sealed(path)
    assert value.pop("sha256") == seal(value)
    assert value in (VALUE, {"record": 3, "seal": "ab" * 32})


def test_each_other_byte_at_each_place_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for place in range(len(content)):
        for byte in {content[place] ^ 1, content[place] ^ 128, 32, 48} - {content[place]}:
            path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
            with pytest.raises(ValueError, match=r".+"):
                read_sealed(path)
    for other in (content[:-1], content + b"\n", b"", b"[]\n", b"{}\n"):
        path.write_bytes(other)
        with pytest.raises(ValueError, match=r".+"):
            read_sealed(path)


def test_each_flipped_bit_is_turned_back(path: Path) -> None:
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            assert repaired(bytes(damaged)) == content


def test_more_than_a_bit_is_not_guessed(path: Path) -> None:
    content, numbers = path.read_bytes(), random.Random(1)
    for _ in range(10):
        first, second = numbers.sample(range(len(content)), 2)
        damaged = bytearray(content)
        damaged[first] ^= 1
        damaged[second] ^= 2
        assert repaired(bytes(damaged)) is None
    assert repaired(content[:-9]) is None
    assert repaired(b"") is None
