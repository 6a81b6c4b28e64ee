"""What the flow costs beside DVC alone: a run with nothing to do, and a whole pipeline.

The experiment `smoke` in a fresh clone of this repository's last commit, with a Prefect server
that runs already. `plait run` and `dvc repro` take turns, first with nothing to do, then with
every stage forced; figures are medians of this run.

- `noop_s`: seconds of `plait run` with nothing to do; `dvc_noop_s`: of `dvc repro`
- `flow_over_repro`: `plait run --force` by `dvc repro --force`. The flow runs stages side by side
  where they fit, and promotes at the end; DVC runs one after the other

It brings the data first (as `plait run` does; PLAIT_MIRROR serves as there) and takes a quarter
of an hour on two cores.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from plait.benchmark.latency import machine

ROOT = Path(__file__).parents[1]
EXPERIMENT = "smoke"
PLAIT = (sys.executable, "-m", "plait.cli")
DVC = (sys.executable, "-m", "dvc")


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rounds", type=int, default=7, help="runs with nothing to do (7)")
    made.add_argument("--forced", type=int, default=3, help="whole pipelines of each (3)")
    made.add_argument("-o", "--output", type=Path, help="file for the figures as text")
    return made.parse_args()


class Project:
    """A clone of the last commit whose own code runs in it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        self.folder = folder
        first = {"PYTHONPATH": folder / "src", "PATH": Path(sys.executable).parent}
        self.environment = dict(os.environ)
        for name, path in first.items():  # stages find this interpreter, and the clone's code
            rest = os.environ.get(name)
            self.environment[name] = f"{path}{os.pathsep}{rest}" if rest else str(path)

    def seconds(self, command: Sequence[str]) -> float:
        """How long a command takes; its output is shown if it fails."""
        began = time.perf_counter()
        found = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if found.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{found.stdout}\n{found.stderr}")
        return time.perf_counter() - began


def turns(project: Project, ways: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """The median of each way, in seconds."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, command in ways.items():
            found[name].append(project.seconds(command))
            print(f"{number + 1}/{rounds} {name}: {found[name][-1]:.2f} s", flush=True)
    return {name: statistics.median(each) for name, each in found.items()}


def measure(project: Project, rounds: int, forced: int) -> Iterable[str]:
    """The figures, a line each."""
    print("The first run fetches, trains and scores ...", flush=True)
    first = project.seconds([*PLAIT, "run", "--experiment", EXPERIMENT])
    yield f"first_run_s: {first:.1f}"
    ways = {"plait run": [*PLAIT, "run"], "dvc repro": [*DVC, "repro", "--quiet"]}
    turns(project, ways, 1)  # the first fills the caches of files
    noop = turns(project, ways, rounds)
    yield f"noop_s: {noop['plait run']:.2f}"
    yield f"dvc_noop_s: {noop['dvc repro']:.2f}"
    whole = turns(project, {name: [*way, "--force"] for name, way in ways.items()}, forced)
    yield f"flow_s: {whole['plait run']:.1f}"
    yield f"repro_s: {whole['dvc repro']:.1f}"
    yield f"flow_over_repro: {whole['plait run'] / whole['dvc repro']:.3f}"


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        project = Project(Path(scratch, "project"))
        project.seconds([*PLAIT, "server", "start"])
        try:
            figures = list(measure(project, options.rounds, options.forced))
        finally:
            project.seconds([*PLAIT, "server", "stop"])
    described = ", ".join(f"{name} {value}" for name, value in machine().items())
    text = "\n".join([f"{options.rounds} and {options.forced} turns. {described}", *figures])
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
