"""How long a cold `plait predict "text"` takes, from the start of its process to its end.

Each service's command and a Python that imports torch alone take turns; figures are medians of this
run, in milliseconds. The project needs a champion of each service (`plait run`).
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from plait.benchmark.latency import machine
from plait.serving.service import Service

TEXT = "turn on the kitchen lights"
TORCH = "import torch"


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("services", nargs="+", metavar="SERVICE", help="services with a champion")
    made.add_argument("--project", type=Path, default=Path(), help="folder (this one)")
    made.add_argument("--rounds", type=int, default=7, help="processes of each (7: a minute)")
    return made.parse_args()


def milliseconds(command: Sequence[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


def approaches(service: str, project: Path) -> str:
    """Of the champion's models: the folder of `plait.approaches` that each is from."""
    models = Service.load(service, project).models.values()
    return " + ".join(sorted(type(model).__module__.split(".")[2] for model in models))


def main() -> None:
    options = arguments()
    python = [sys.executable, "-c"]
    predict = [sys.executable, "-m", "plait.cli", "predict", TEXT, "--service"]
    ways = {TORCH: [*python, TORCH], "python": [*python, "pass"]}
    for service in options.services:
        named = f"{service} ({approaches(service, options.project)})"
        ways[named] = [*predict, service]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.rounds + 1):  # the first fills the system's cache of files
        for name, command in ways.items():
            found = milliseconds(command, options.project)
            times[name] += [found] if number else []
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f"{options.rounds} processes of each, {machine()}")
    for name, value in medians.items():
        print(f"{name}: {value:.0f} ms, {value / medians[TORCH]:.2f} of {TORCH!r}")


if __name__ == "__main__":
    main()
