"""Everything of plait that waits for a GPU, in the order of worth, in one command.

    python benchmarks/gpu_campaign.py --minutes 25

Each step is a process with a time limit of its own. After each, and whenever a step has found more,
docs/results/gpu.json and gpu.md are written anew, so a run that is cut keeps what it has. A step
that an earlier run of the same code finished on the same card is skipped: start it again, and it
goes on. docs/gpu.md says how to bring data and packages to a machine without a network.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gpu_shared
from gpu_page import page, write
from massive import ROOT
from plait.errors import PlaitError
from plait.files import atomic_write, read_json
from plait.running.processes import MARK, end

CODE = ("src", "benchmarks", "experiments", "tests/gpu", "tests/support")
"""What decides a step's figures; their bytes are the revision's digest."""
STEPS = {
    "tests": 240,
    "rate-minilm": 120,
    "rate-smollm2": 150,
    "answers": 150,
    "latency": 90,
    "quality-newsgroups": 540,
    "quality-massive": 540,
    "shape-1b": 120,
    "shape-8b": 180,
    "quality-newsgroups-seeds": 540,
    "quality-massive-seeds": 540,
}
"""Seconds that each may take, in the order of worth."""


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--minutes", type=float, default=25, help="no step starts or goes on after")
    made.add_argument(
        "--only", nargs="+", metavar="STEP", choices=STEPS, default=list(STEPS),
        help=f"of {', '.join(STEPS)}; they run even if they are done",
    )  # fmt: skip
    made.add_argument("--dry", action="store_true", help="tiny sizes, on any machine, 4 minutes")
    made.add_argument("--output", type=Path, help="PATH.json and PATH.md (docs/results/gpu)")
    made.add_argument("--folder", type=Path, help="data and backbones (.plait/gpu)")
    found = made.parse_args()
    name = "gpu-dry" if found.dry else "gpu"
    found.folder = (found.folder or ROOT / ".plait" / name).resolve()
    found.output = found.output or (found.folder if found.dry else ROOT / "docs/results") / name
    return found


class Journal:
    """What all runs found: a list of runs, each by code and card, with its steps."""

    def __init__(self, output: Path, run: dict[str, Any]) -> None:
        self.output, self.run = output, run
        path = output.with_name(f"{output.name}.json")
        self.runs: list[dict[str, Any]] = read_json(path)["runs"] if path.exists() else []
        alike = [each for each in self.runs if _key(each) == _key(run)]
        if alike:
            self.run = alike[0]
        else:
            self.runs.insert(0, run)

    def done(self, step: str) -> bool:
        return self.run["steps"].get(step, {}).get("state") == "done"

    def keep(self, step: str, **values: Any) -> None:
        """Replace what is known of a step."""
        self.run["steps"][step] = values
        write(self.output.with_name(f"{self.output.name}.json"), {"runs": self.runs})
        with atomic_write(self.output.with_name(f"{self.output.name}.md")) as stream:
            stream.write(page(self.runs).encode())


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    return run["code"], run["card"], run["dry"]


def this_run(folder: Path, dry: bool) -> dict[str, Any]:
    """Which code runs on which machine."""
    import torch

    from plait.benchmark.latency import machine

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "code": digest(),
        "revision": gpu_shared.revision() or packed_revision(folder),
        "card": card,
        "dry": dry,
        "machine": machine(),
        "steps": {},
    }


def packed_revision(folder: Path) -> str | None:
    """That of the machine where the parts were packed."""
    path = folder / "revision.txt"
    return path.read_text(encoding="utf-8") or None if path.exists() else None


def digest() -> str:
    """Of the code that decides the figures: a copy without git has it, too."""
    found = hashlib.sha256()
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".yaml"):
                found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


def prepare(folder: Path, dry: bool) -> None:
    """Data and backbones in `folder`, which the steps find there.

    Raises:
        PlaitError: data are missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "found").mkdir(exist_ok=True)
    if dry:
        import gpu_tiny

        gpu_tiny.write(folder)
        return
    _link(folder / "mirror", os.environ.get("PLAIT_MIRROR"))
    _link(folder / "downloads", os.environ.get("PLAIT_DOWNLOADS") or str(ROOT / ".plait/downloads"))
    for needed in ("20news-bydate.tar.gz", "massive/1.1/data/en-US.jsonl"):
        if not (folder / "mirror" / needed).is_file():
            raise PlaitError(
                f"{folder / 'mirror' / needed}: no such file. Unpack the parts that gpu_pack.py "
                "made (docs/gpu.md), or let PLAIT_MIRROR name a folder that has it."
            )
    os.environ["PLAIT_DOWNLOADS"] = str(folder / "downloads")
    _bring(folder)


def _link(path: Path, target: str | None) -> None:
    if not path.exists() and target and Path(target).is_dir():
        path.symlink_to(Path(target).resolve())


def _bring(folder: Path) -> None:
    """The backbones, as fetched for any experiment."""
    from plait.experiment.loading import load
    from plait.preparation.fetching import fetch

    experiment = load(ROOT / "experiments/gpu-massive.yaml")
    wanted = {
        name: backbone
        for name, backbone in experiment.backbones.items()
        if backbone.sources() and not (folder / "backbones" / name / "config.json").is_file()
    }
    if wanted:
        alone = experiment.model_copy(update={"datasets": {}, "backbones": wanted})
        fetched = folder / "fetched"
        fetch(alone, fetched / "data", fetched / "weights")
        (folder / "backbones").mkdir(exist_ok=True)
        for name in wanted:
            shutil.rmtree(folder / "backbones" / name, ignore_errors=True)
            (fetched / "weights" / name).replace(folder / "backbones" / name)


def run_step(options: argparse.Namespace, journal: Journal, step: str, seconds: float) -> None:
    """Run it to its end or limit; the journal has what it found at any moment."""
    path = options.folder / "found" / f"{step}.json"
    path.unlink(missing_ok=True)
    begun, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    log = options.folder / "found" / f"{step}.log"

    def keep(state: str, error: str = "") -> None:
        journal.keep(
            step,
            state=state,
            started=started,
            seconds=round(time.monotonic() - begun, 1),
            error=error,
            found=read_json(path) if path.exists() else {},
        )

    keep("running")
    mark = f"{options.folder}|{step}|{os.getpid()}|"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks/gpu_steps.py"), step, str(options.folder)]
            + ["--dry"] * options.dry,
            cwd=ROOT,
            env={**os.environ, MARK: mark},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            late = _watch(process, path, seconds, lambda: keep("running"))
        finally:
            end(mark)
            process.wait()
    if late:
        keep("cut", f"it took more than {seconds:.0f} s")
    elif process.returncode:
        keep("failed", _last_words(log))
    else:
        keep("done")


def _watch(
    process: "subprocess.Popen[bytes]", path: Path, seconds: float, more: Callable[[], None]
) -> bool:
    """Wait; `more` is called when the step has written more. Whether its time is over."""
    ends, seen = time.monotonic() + seconds, 0
    while process.poll() is None:
        if time.monotonic() > ends:
            return True
        time.sleep(0.2)
        written = path.stat().st_mtime_ns if path.exists() else 0
        if written != seen:
            seen = written
            more()
    return False


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(lines[-8:])[-1500:]


def planned(options: argparse.Namespace, journal: Journal) -> Iterator[str]:
    """Steps that are not done; those that failed or were cut come last."""
    asked = len(options.only) < len(STEPS)
    open_ = [step for step in STEPS if step in options.only and (asked or not journal.done(step))]
    yield from sorted(open_, key=lambda step: step in journal.run["steps"])


def main() -> None:
    options = arguments()
    ends = time.monotonic() + 60 * options.minutes
    journal = Journal(options.output, this_run(options.folder, options.dry))
    end(f"{options.folder}|")  # a step that a killed campaign left
    prepare(options.folder, options.dry)
    print(f"card: {journal.run['card']}; code {journal.run['code']}", flush=True)
    for step in [step for step in STEPS if step in options.only and journal.done(step)]:
        print(f"{step}: done before", flush=True)
    for step in planned(options, journal):
        left = ends - time.monotonic()
        if left < 10:
            print(f"{step}: no time left", flush=True)
            continue
        print(f"{step} …", end=" ", flush=True)
        run_step(options, journal, step, min(left, STEPS[step]))
        found = journal.run["steps"][step]
        print(f"{found['state']} in {found['seconds']:.0f} s {found['error'][-200:]}", flush=True)
    print(f"{options.output}.json and {options.output}.md: written")


if __name__ == "__main__":
    gpu_shared.run(main)
