"""Kill parts of plait at random moments, again and again; each time the pipeline must end whole.

A round changes an input of a small real project, starts `plait run` or `plait schedule`, and kills
one part (kill -9): the flow, the schedule, the server, DVC, a training, the watchdog, or all. Then
`plait run` must complete within a few attempts, with the same dvc.lock, byte for byte, as if
nothing had been killed, and leave nothing behind: no process, no held lock, no partial file, no
second server, no run that is shown as running. Prints `rounds: N` and `failed: N` at the end.
"""

import argparse
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import yaml

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "support")]

import projects  # noqa: E402
from plait.running import prefect_server  # noqa: E402
from plait.running.lock_files import is_whole  # noqa: E402
from plait.running.processes import MARK  # noqa: E402

PLAIT = [sys.executable, "-m", "plait.cli"]
ATTEMPTS = 4
LONGEST = 240.0
"""Seconds after which an attempt counts as hanging."""
LOST = timedelta(seconds=90)
PARTS = ("flow", "server", "dvc", "training", "watchdog", "all")
LOCKS = ("dvc.lock", "timings/dvc.lock")
TRAIN = """
import json, os, sys, time
from pathlib import Path
name = sys.argv[1]
checkpoint, rows = Path(".plait/checkpoint." + name), Path("rows").read_text()
state = json.loads(checkpoint.read_text()) if checkpoint.is_file() else {}
state = state if state.get("rows") == rows else {"rows": rows, "step": 0, "weight": 1}
while state["step"] < 10:
    time.sleep(0.15)
    state["step"] += 1
    state["weight"] = (state["weight"] * 31 + len(rows) + ord(name[0])) % 1000003
    checkpoint.with_suffix(".new").write_text(json.dumps(state))
    checkpoint.with_suffix(".new").replace(checkpoint)
Path("model." + name).write_text(rows + str(state["weight"]))
"""


def _training(name: str) -> dict[str, object]:
    return {
        "cmd": f"python train.py {name}",
        "deps": ["train.py", "rows"],
        "outs": [f"model.{name}"],
    }


STAGES: dict[str, object] = {
    "prepare": {"cmd": "cat value > rows", "deps": ["value"], "outs": ["rows"]},
    "train-a": _training("a"),
    "train-b": _training("b"),
}
REPORT = {
    "cmd": "cat model.a model.b > report",
    "wdir": "..",
    "deps": ["model.a", "model.b"],
    "outs": ["report"],
}


@dataclass
class Chaos:
    """The project, what its locks must be in the end, and what is random."""

    folder: Path
    chance: random.Random
    env: dict[str, str]
    expected: dict[str, bytes] = field(default_factory=dict)

    def attempt(self) -> "subprocess.CompletedProcess[str]":
        """`plait run` to its end; without a limit of its own."""
        try:
            return subprocess.run(
                [*PLAIT, "run"],
                cwd=self.folder,
                env=self.env,
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(error.cmd, -1, "", f"hung for {LONGEST:.0f} s")

    def complete(self) -> list[str]:
        """`plait run` until it succeeds; the complaints, one for each attempt that failed."""
        complaints: list[str] = []
        while len(complaints) < ATTEMPTS:
            done = self.attempt()
            if "Traceback" in done.stdout + done.stderr:
                raise Failed(f"a traceback: {done.stderr[-2000:]}")
            if done.returncode == 0:
                return complaints
            complaints.append(done.stderr.strip()[-500:])
        raise Failed(f"not complete after {ATTEMPTS} attempts: {complaints[-1]}")


class Failed(Exception):  # noqa: N818 - a round's state
    """A round did not end as it must."""


def make(folder: Path) -> None:
    """The project, committed after a run with the value `old`."""
    projects.make(folder, STAGES)
    (folder / "train.py").write_text(TRAIN)
    (folder / "timings").mkdir()
    (folder / "timings/dvc.yaml").write_text(yaml.safe_dump({"stages": {"report": REPORT}}))
    (folder / "value").write_text("old\n")


def reset(folder: Path) -> None:
    """Back to the commit, with a new value; DVC doesn't remember what it had led to."""
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "checkout", "-q", "--", *LOCKS], check=True)
    shutil.rmtree(folder / ".dvc/cache/runs", ignore_errors=True)
    for path in (folder / ".plait").glob("checkpoint.*"):
        path.unlink()
    (folder / "value").write_text("new\n")


def references(chaos: Chaos) -> None:
    """Commit the locks of the old value, and learn those of the new one."""
    git = ["git", "-C", str(chaos.folder), "-c", "user.name=chaos", "-c", "user.email=c@localhost"]
    chaos.complete()
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "old"], check=True)
    reset(chaos.folder)
    chaos.complete()
    chaos.expected = {name: (chaos.folder / name).read_bytes() for name in LOCKS}


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants."""
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return []


def marked(folder: Path, word: str = "") -> list[psutil.Process]:
    """The processes of the project's runs whose command has a word."""
    return _all(lambda process: process.environ().get(MARK, "").startswith(f"{folder}|"), word)


def servers(folder: Path) -> list[psutil.Process]:
    """The servers of this project."""
    home = str(folder / ".plait/prefect")
    found = _all(lambda process: process.environ().get("PREFECT_HOME") == home, "prefect")
    return [process for process in found if "start" in process.cmdline()]


def _all(fits: Callable[[psutil.Process], bool], word: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() != "zombie" and word in " ".join(process.cmdline()):
                found += [process] if fits(process) else []
    return found


def victims(chaos: Chaos, part: str, leader: int) -> list[psutil.Process]:
    """The processes of a part, such as `dvc`, that run now."""
    folder, server = chaos.folder, family(prefect_server.recorded(chaos.folder).pid)
    found = {
        "flow": family(leader)[:1],
        "server": server,
        "dvc": marked(folder, "plait.running.dvc"),
        "training": marked(folder, "train.py"),
        "watchdog": _all(lambda p: f"{folder}|" in " ".join(p.cmdline()), "plait.running.watchdog"),
    }
    found["all"] = [process for each in found.values() for process in each] + family(leader)
    return found[part]


def kill(chaos: Chaos, part: str, leader: int) -> int:
    """Kill a part as soon as it is there, or the flow if it doesn't come; how many processes."""
    for _ in range(30):
        if found := victims(chaos, part, leader):
            break
        time.sleep(0.1)
    else:
        found = victims(chaos, "flow", leader)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    return len(found)


@contextlib.contextmanager
def started(chaos: Chaos, command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A command of plait whose output goes to .plait/COMMAND.log."""
    with (chaos.folder / ".plait" / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(
            [*PLAIT, command], cwd=chaos.folder, env=chaos.env, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise Failed(f"plait {command} did not end within 30 s of SIGTERM") from None


def disturb_run(chaos: Chaos) -> str:
    """Kill a part of `plait run`."""
    part, moment = chaos.chance.choice(PARTS), chaos.chance.uniform(0.5, 9.0)
    with started(chaos, "run") as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
        count = kill(chaos, part, process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
    no_traceback(chaos, "run")
    return f"run: {part} ({count}) after {moment:.1f} s"


def disturb_schedule(chaos: Chaos) -> str:
    """Kill a part of `plait schedule` while a run that it was asked for goes on."""
    part, moment = chaos.chance.choice(PARTS), chaos.chance.uniform(0.0, 9.0)
    log = chaos.folder / ".plait/schedule.log"
    with started(chaos, "schedule") as process:
        deadline = time.monotonic() + 90
        while b"Serving" not in log.read_bytes():
            if time.monotonic() > deadline or process.poll() is not None:
                raise Failed(f"plait schedule did not start: {log.read_text()[-500:]}")
            time.sleep(0.2)
        trigger(prefect_server.recorded(chaos.folder).api)
        time.sleep(moment)
        count = kill(chaos, part, process.pid)
        time.sleep(chaos.chance.uniform(0.0, 3.0))
    no_traceback(chaos, "schedule")
    return f"schedule: {part} ({count}) after {moment:.1f} s"


def no_traceback(chaos: Chaos, command: str) -> None:
    """Check what a disturbed command said.

    Raises:
        Failed: a traceback.
    """
    said = (chaos.folder / ".plait" / f"{command}.log").read_text(errors="replace")
    if "Traceback" in said:
        raise Failed(f"a traceback of plait {command}: {said[:500]} … {said[-2500:]}")


def trigger(api: str) -> None:
    """Ask for a run of the served deployment."""
    found = httpx.get(f"{api}/deployments/name/plait/nightly", trust_env=False).json()
    asked = f"{api}/deployments/{found['id']}/create_flow_run"
    while (answer := httpx.post(asked, json={}, trust_env=False)).status_code == 503:
        time.sleep(0.5)  # a busy database: Prefect's clients try again, too
    answer.raise_for_status()


def look(chaos: Chaos) -> None:
    """Check what a round leaves.

    Raises:
        Failed: something is not as it must be.
    """
    folder = chaos.folder
    for name, expected in chaos.expected.items():
        if (found := (folder / name).read_bytes()) != expected:
            raise Failed(f"{name} differs (whole: {is_whole(found)}):\n{found.decode()}")
    if left := wait_for_none(lambda: marked(folder), 20):
        raise Failed(f"processes are left: {[process.cmdline() for process in left]}")
    if len(found_servers := servers(folder)) > 1:
        raise Failed(f"{len(found_servers)} servers")
    if partial := [*folder.glob(".*.partial"), *folder.glob("timings/.*.partial")]:
        raise Failed(f"partial files are left: {partial}")
    for name in (".plait/run.lock", ".plait/prefect/server.lock", ".dvc/tmp/lock"):
        with (folder / name).open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Failed(f"{name} is held") from None
    rwlock = folder / ".dvc/tmp/rwlock"  # removed, if a kill had cut it and nothing ran since
    holders = json.loads(rwlock.read_text()) if rwlock.exists() else {}
    if any(holders.values()):
        raise Failed(f"DVC's rwlock has holders: {holders}")
    still_running(prefect_server.recorded(folder).api, datetime.now(UTC) - LOST)


def wait_for_none(find: Callable[[], list[psutil.Process]], seconds: float) -> list[psutil.Process]:
    """What is still found after so long."""
    deadline = time.monotonic() + seconds
    while (found := find()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def still_running(api: str, since: datetime) -> None:
    """Check that no run from before `since` is unfinished, and that no concurrency slot is taken.

    Raises:
        Failed: one is.
    """
    unfinished = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    asked = {"flow_runs": {**unfinished, "expected_start_time": {"before_": since.isoformat()}}}
    found = httpx.post(f"{api}/flow_runs/filter", json=asked, trust_env=False).json()
    if found:
        raise Failed(f"runs are left: {[(run['name'], run['state_name']) for run in found]}")
    limits = httpx.post(f"{api}/v2/concurrency_limits/filter", json={}, trust_env=False).json()
    if taken := [limit["name"] for limit in limits if limit["active_slots"]]:
        raise Failed(f"concurrency slots are taken: {taken}")


def one_round(chaos: Chaos) -> str:
    """Disturb, complete and look; what was done."""
    reset(chaos.folder)
    disturb = disturb_schedule if chaos.chance.random() < 0.2 else disturb_run
    done = disturb(chaos)
    complaints = chaos.complete()
    look(chaos)
    return f"{done}; attempts: {1 + len(complaints)}" + "".join(f"\n    {c}" for c in complaints)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--quick", type=int, metavar="N", help="only N rounds, such as 3")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, help="write the log here, too")
    options = parser.parse_args()
    rounds, failed = options.quick or options.rounds, 0
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)
        if options.output:
            options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")

    folder = Path(tempfile.mkdtemp(prefix="chaos-")).resolve() / "project"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    chaos = Chaos(folder, random.Random(options.seed), own)
    make(folder)
    try:
        references(chaos)
        for number in range(1, rounds + 1):
            began = time.monotonic()
            try:
                said = one_round(chaos)
            except (Failed, httpx.HTTPError) as error:
                failed, said = failed + 1, f"FAILED: {type(error).__name__} {error}"
            say(f"{number}: {time.monotonic() - began:.0f} s; {said}")
        time.sleep(LOST.total_seconds() if failed < rounds else 0)
        try:
            still_running(prefect_server.recorded(folder).api, datetime.now(UTC))
        except Failed as error:
            failed, _ = failed + 1, say(f"at the end: {error}")
    finally:
        prefect_server.stop(folder)
    say(f"rounds: {rounds}\nfailed: {failed}")
    if not failed:
        shutil.rmtree(folder.parent)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
