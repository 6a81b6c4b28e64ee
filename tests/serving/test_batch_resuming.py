"""A batch job that is stopped at any moment goes on, and ends with the same bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from answered_files import TEXTS, job, read, run, write
from interruptions import killed_before
from plait.errors import PlaitError
from plait.plans.promotion import promote
from plait.registry.acts import rollback
from plait.registry.store import Registry
from plait.serving.batch import windows
from plait.serving.batch.parts import Parts
from production import experiment, file_size_limit, train
from servers import wait_for

ROWS = [{"id": str(i), "text": text if i % 9 else " "} for i, text in enumerate(TEXTS[:30])]
PREDICT = [sys.executable, "-m", "plait.cli", "predict"]


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of eight rows; processes that are forked have them, too."""
    monkeypatch.setattr(windows, "ROWS", 8)


@pytest.fixture
def root(served: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(served, tmp_path / "project"))


def refused(*arguments: Any, **more: Any) -> str:
    with pytest.raises(PlaitError) as error:
        run(*arguments, **more)
    return str(error.value)


def stopped(root: Path, file: Path, out: Path, at: int = 22, **more: Any) -> None:
    """A job that was killed when some parts were written."""
    assert killed_before(at, lambda: run(root, file, out, **more))
    assert not out.exists()
    assert list(out.with_name(f"{out.name}.parts").glob("*.part"))


@pytest.mark.parametrize(
    ("ending", "every"), [(".csv", 1), (".jsonl.zst", 9), (".parquet", 9), (".csv.gz", 9)]
)
def test_a_kill_before_any_step_loses_and_doubles_no_row(
    served: Path, tmp_path: Path, eight: None, ending: str, every: int
) -> None:
    file, whole, out = (tmp_path / f"{name}{ending}" for name in ("in", "whole", "out"))
    run(served, write(file, ROWS), whole)
    at, places = 0, set()
    while killed_before(at, lambda: run(served, file, out)):
        assert not out.exists() or out.read_bytes() == whole.read_bytes()
        places.add(len(list(tmp_path.glob("out*.parts/*.part"))))
        run(served, file, out)
        assert out.read_bytes() == whole.read_bytes()
        assert not list(tmp_path.glob("*.parts"))
        out.unlink()
        at += every
    assert at > 20
    assert every > 1 or places == {0, 1, 2, 3, 4}


def test_what_was_answered_is_not_answered_again(served: Path, tmp_path: Path, eight: None) -> None:
    file, out = write(tmp_path / "in.csv", ROWS), tmp_path / "out.csv"
    stopped(served, file, out)
    parts = len(list(tmp_path.glob("out.csv.parts/*.part")))
    done = run(served, file, out)
    assert done.resumed == 8 * parts > 0
    assert (done.rows, done.bad) == (30, 4)
    assert "had been answered before" in done.told(out)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.write_text("id,text\n1,lamp\n"), "input ("),
        (lambda _file: {"top": 2}, "options ("),
    ],
)
def test_parts_of_another_job_are_refused_and_stay(
    served: Path, tmp_path: Path, eight: None, change: Callable[[Path], Any], said: str
) -> None:
    file, out = write(tmp_path / "in.csv", ROWS), tmp_path / "out.csv"
    stopped(served, file, out)
    found = change(file)
    options = found if isinstance(found, dict) else {}
    before = sorted(tmp_path.glob("out.csv.parts/*.part"))
    message = refused(served, file, out, **options)
    assert f"holds parts of another job: {said}" in message
    assert "Run it as it began, or begin anew with `--restart`." in message
    assert sorted(tmp_path.glob("out.csv.parts/*.part")) == before
    assert run(served, file, out, restart=True, **options).resumed == 0
    assert not list(tmp_path.glob("*.parts"))


def test_the_plan_that_began_a_job_ends_it(root: Path, tmp_path: Path, eight: None) -> None:
    file, out, whole = (tmp_path / name for name in ("in.csv", "out.csv", "whole.csv"))
    run(root, write(file, ROWS), whole)
    stopped(root, file, out)
    train(root, "tfidf-intent+slots", seed=8, training={"C": 0.01})
    promote(experiment(), root, consent="a test")
    assert Registry(root).require().number == 2
    said: list[str] = []
    done = job(root, file, out).run(said.append)
    assert done.record.number == 1
    assert out.read_bytes() == whole.read_bytes()
    assert "record 2 serves, and this job goes on with record 1" in said[0]
    run(root, file, out)
    assert out.read_bytes() != whole.read_bytes()
    stopped(root, file, tmp_path / "other.csv")
    rollback(root, "assistant", why="a test")
    shutil.rmtree(
        root
        / "registry/bundles"
        / Registry(root).record("assistant", 2).bundles["tfidf-intent+slots"]
    )
    message = refused(root, file, tmp_path / "other.csv")
    assert "is no longer here. Begin anew with `--restart`." in message


def test_two_jobs_with_one_output(served: Path, tmp_path: Path, eight: None) -> None:
    file, out = write(tmp_path / "in.csv", ROWS), tmp_path / "out.csv"
    with Parts(out).alone():
        assert "another process is at work on out.csv" in refused(served, file, out)


def test_a_folder_of_that_name_with_other_files_stays(served: Path, tmp_path: Path) -> None:
    file, out = write(tmp_path / "in.csv", ROWS), tmp_path / "out.csv"
    mine = tmp_path / "out.csv.parts/mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert "found mine.txt, which no job wrote" in refused(served, file, out)
    assert mine.read_text() == "mine"


def test_a_full_disk(served: Path, tmp_path: Path, eight: None) -> None:
    rows = [{**row, "more": "x" * 200} for row in ROWS]
    file, out = write(tmp_path / "in.csv", rows), tmp_path / "out.csv"
    with file_size_limit(6000):
        message = refused(served, file, out)
    assert message.startswith(f"{out}: could not be written (File too large); what is answered")
    assert not out.exists()
    assert len(list(tmp_path.glob("out.csv.parts/*.part"))) == 4
    done = run(served, file, out)
    assert done.resumed == 30
    assert [row["id"] for row in read(out)] == [row["id"] for row in ROWS]


def test_a_folder_that_is_not_there(served: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", ROWS)
    assert "is no folder. Make it first." in refused(served, file, tmp_path / "no/out.csv")
    assert "found the input or a folder" in refused(served, file, file)


def many(path: Path, count: int) -> Path:
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, len(TEXTS), count)
    return write(path, [{"id": str(i), "text": f"{TEXTS[t]} {i}"} for i, t in enumerate(drawn)])


def command(root: Path, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*PREDICT, *map(str, arguments)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_commands_that_are_killed_at_random_moments(
    served: Path, tmp_path: Path, kills: int
) -> None:
    file = many(tmp_path / "in.jsonl", 20_000 * max(1, kills // 5))
    out = tmp_path / "out.parquet"
    generator = np.random.default_rng(kills)
    for _ in range(kills):
        with command(served, file, "--out", out, "--processes", 2) as process:
            time.sleep(1 + 4 * generator.random())
            family = [process.pid, *(p.pid for p in psutil.Process(process.pid).children(True))]
            process.kill()
        wait_for(lambda: not any(map(psutil.pid_exists, family)), 30)  # noqa: B023
    with command(served, file, "--out", out, "--processes", 2) as process:
        said, failed = process.communicate()
    assert process.returncode == 0, failed
    assert "rows, answered by assistant, record 1" in said
    run(served, file, tmp_path / "whole.parquet")
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_process_that_is_killed_is_noticed(served: Path, tmp_path: Path) -> None:
    file, out = many(tmp_path / "in.csv", 30_000), tmp_path / "out.csv"
    with command(served, file, "--out", out, "--processes", 2) as process:
        leader = psutil.Process(process.pid)

        def workers() -> list[psutil.Process]:
            return [p for p in leader.children() if "spawn_main" in " ".join(p.cmdline())]

        wait_for(lambda: len(workers()) == 2 and bool(list(tmp_path.glob("*/*.part"))), 60)
        os.kill(workers()[0].pid, signal.SIGKILL)
        _, failed = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "a process that answers was ended from outside" in failed
    assert run(served, file, out).resumed > 0


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv.gz", ".parquet"])
def test_memory_stays_the_same_however_many_rows(served: Path, tmp_path: Path, ending: str) -> None:
    peaks = []
    for count in (20_000, 200_000):
        file = many(tmp_path / f"in{count}{ending}", count)
        paths = ", ".join(f"Path({str(p)!r})" for p in (served, file, tmp_path / f"out{ending}"))
        script = (
            "import resource; from answered_files import run; from pathlib import Path\n"
            f"run({paths}); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        support = str(Path(__file__).parents[1] / "support")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([support, *sys.path])}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        peaks.append(int(done.stdout.splitlines()[-1]) / 1024)
    assert peaks[1] - peaks[0] < 40
