"""Records: what is kept is what is read, and nothing altered is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plait.errors import PlaitError
from plait.files import write_json
from plait.registry.records import ASIDE, Record, as_json, read_record, write_record
from plait.registry.sealed import write_sealed
from registries import crown

FULL = Record(
    "shop",
    "promoted",
    "wins",
    plan="both",
    tasks={"intent": "one"},
    bundles={"one": "d" * 64},
    scores={"intent": {"accuracy": 0.875}},
    gates=({"gate": "floor", "value": 0.5, "passed": True},),
    comparison={"intent": {"difference": 0.01}},
    rejected={"other": "below"},
    replaces=3,
    source={"revision": None, "changed": []},
    who="ann",
    time="2026-01-02T03:04:05+00:00",
    number=4,
    previous="e" * 64,
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "0004.json", FULL)
    read = read_record(tmp_path / "0004.json")
    assert as_json(read) == as_json(FULL)
    assert read.seal == FULL.seal


def test_a_byte_changed_at_any_place_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "0004.json"
    write_record(path, FULL)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(PlaitError) as error:
            read_record(path)
        assert str(error.value).startswith(f"{path}: found ")
        assert str(error.value).endswith("`plait registry verify` says how to mend it.")


def test_a_sealed_file_of_other_fields_is_no_record(tmp_path: Path) -> None:
    for value in ({"service": "shop"}, {**as_json(FULL), "extra": 1}):
        write_sealed(tmp_path / "0004.json", value)
        with pytest.raises(PlaitError, match=r"0004\.json: found "):
            read_record(tmp_path / "0004.json")
    write_json(tmp_path / "0004.json", as_json(FULL))
    with pytest.raises(PlaitError, match="no sealed JSON object"):
        read_record(tmp_path / "0004.json")
    with pytest.raises(PlaitError, match="No such file"):
        read_record(tmp_path / "0005.json")


def test_the_seal_covers_every_field() -> None:
    for name, value in as_json(FULL).items():
        other = replace(FULL, **{name: ([] if name == "gates" else _another(value))})
        assert other.seal != FULL.seal
        assert other.says_the_same_as(FULL) == (name in ASIDE)


def _another(value: Any) -> Any:
    if isinstance(value, str):
        return value + "x"
    return value + 1 if isinstance(value, int) else {"another": "x"} if value is not None else 1


def test_the_same_refusal_again_is_one_record(tmp_path: Path) -> None:
    first = crown(tmp_path, "a")
    assert first.says_the_same_as(replace(first, number=7, time="later", who="bob"))
