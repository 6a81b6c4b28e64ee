"""Parts of a folder: planned alike on every machine, answered once, even by two at a time."""

import os
import threading
from pathlib import Path

import pytest

from answered_files import TEXTS, read, write
from interruptions import killed_before
from plait.errors import PlaitError
from plait.registry.store import Registry
from plait.serving.batch import windows
from plait.serving.batch.folders import Part, Request, plan
from plait.serving.batch.options import Options


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "ROWS", 8)


def rows(count: int) -> list[dict[str, str]]:
    return [{"id": str(i), "text": TEXTS[i % len(TEXTS)]} for i in range(count)]


def request(root: Path, **options: object) -> Request:
    return Request.of(Registry(root).require(), Options(**options), processes=1)  # type: ignore[arg-type]


def answer(root: Path, part: Part, **options: object) -> tuple[int, list[str]]:
    """How many rows were not there already, and what was said."""
    said: list[str] = []
    done = request(root, **options).answer(part, root, said.append, lambda _done, _total: None)
    return done.rows - done.resumed, said


@pytest.mark.parametrize("ending", [".csv", ".jsonl.gz", ".parquet"])
def test_parts_of_a_large_file_have_each_row_once(
    served: Path, tmp_path: Path, ending: str
) -> None:
    write(tmp_path / f"big.v1{ending}", rows(45))
    parts = plan(tmp_path, tmp_path / "out", "*", None, 20, Options())
    names = [part.name for part in parts]
    assert names == [f"big.v1.0000{n}{ending}" for n in (1, 2, 3)]
    assert [Part.from_json(part.as_json()) for part in parts] == parts
    assert [answer(served, part)[0] for part in parts] == [16, 16, 13]
    assert [row["id"] for part in parts for row in read(part.out)] == list(map(str, range(45)))


def test_a_part_is_answered_once(served: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", rows(20))
    (part,) = plan(tmp_path, tmp_path / "out", "*", None, 1000, Options())
    assert answer(served, part)[0] == 20
    assert answer(served, part)[0] == 0
    assert answer(served, part, top=2)[0] == 20
    assert answer(served, part, top=2)[0] == 0
    write(file, rows(21))
    assert answer(served, part, top=2)[0] == 21
    part.out.write_bytes(part.out.read_bytes()[:-1])
    assert answer(served, part, top=2)[0] == 21
    part.out.unlink()
    assert answer(served, part, top=2)[0] == 21


def test_a_killed_part_goes_on_and_parts_of_another_job_are_thrown_away(
    served: Path, tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", rows(30))
    (part,) = plan(tmp_path, tmp_path / "out", "*", None, 1000, Options())
    assert killed_before(22, lambda: answer(served, part))
    fresh, said = answer(served, part, top=2)
    assert fresh == 30
    assert "parts of another job are thrown away: options (" in said[0]
    part.out.unlink()
    assert killed_before(22, lambda: answer(served, part, top=2))
    fresh, said = answer(served, part, top=2)
    assert 0 < fresh < 30
    assert said == []


def test_two_workers_on_one_part(served: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", rows(90))
    (part,) = plan(tmp_path, tmp_path / "out", "*", None, 10_000, Options())
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(answer(served, part)[0])) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 0, 90]
    assert len(read(part.out)) == 90
    assert sorted(os.listdir(tmp_path / "out")) == [".plait", "in.csv"]  # noqa: PTH208


def test_another_registry_is_refused(served: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", rows(3))
    (part,) = plan(tmp_path, tmp_path / "out", "*", None, 1000, Options())
    other = Request("assistant", 1, "0" * 64, Options())
    with pytest.raises(PlaitError, match="record 1 of assistant is another one than where the run"):
        other.answer(part, served, print, lambda _done, _total: None)
