"""A promoted service in use: `plait serve` under load, and `plait predict FILE --out`.

The service is made on the spot: MiniLM with two fresh heads (60 labels, 55 types of spans), as a
bundle with its ONNX graph and as one without, which torch answers in float32. Fresh heads cost as
much as trained ones; their answers mean nothing.

The whole run takes an hour and a half on two cores: half an hour of it a soak, half an hour a
million rows. A part that is done is kept in `.plait/serving/PART.json` with the revision; on the
same revision it isn't run again. The page has the parts of one revision, and names those that were
not run on it. Ratios are within a part.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import serving_batch
import serving_http
from plait.benchmark.latency import machine
from plait.files import read_json, write_json
from serving_http import QUICK, Plan
from serving_service import make

PAGE, KEPT = Path("docs/results/serving.md"), Path(".plait/serving")
TITLES = {
    "loads": "HTTP: latency by load",
    "batching": "HTTP: batching against one text at a time",
    "engines": "HTTP: ONNX Runtime against torch, one client",
    "processes": "HTTP: processes and threads",
    "swaps": "HTTP: champions that change under load",
    "soak": "HTTP: half an hour at 80 % load",
    "speed": "Files: against lines of standard input",
    "resumed": "Files: a job that is killed",
    "memory": "Files: memory by number of rows",
}
Part = Callable[[Path], Any]


def parts(plan: Plan, data: Path | None, quick: bool) -> Mapping[str, Part]:
    """The parts, in the order of the page; each takes the folder of the service."""
    sizes = (1_000, 2_000) if quick else serving_batch.SIZES
    found = list(serving_batch.texts(data, max(sizes)))
    sample = found[: 1_000 if quick else serving_batch.SAMPLE]
    killed = found[: 2_000 if quick else serving_batch.KILLED_ROWS]
    return {
        "loads": lambda root: serving_http.loads(root, "assistant", plan),
        "batching": lambda root: serving_http.batching(root, "assistant", plan),
        "engines": lambda root: serving_http.engines(root, "assistant", "eager", plan),
        "processes": lambda root: serving_http.processes(root, "assistant", plan),
        "swaps": lambda root: serving_http.swaps(root, "assistant", plan),
        "soak": lambda root: serving_http.soak(root, "assistant", plan),
        "speed": lambda root: dict(serving_batch.speed(root, sample)),
        "resumed": lambda root: dict(serving_batch.resumed(root, killed)),
        "memory": lambda root: dict(serving_batch.memory(root, found, sizes)),
    }


def revision() -> str:
    """The commit, with a mark where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(wanted: Mapping[str, Part], root: Path, at: str) -> None:
    """Run the parts that are not kept for this revision."""
    for name, part in wanted.items():
        path = KEPT / f"{name}.json"
        if path.is_file() and read_json(path)["revision"] == at:
            print(f"{name}: kept of this revision", flush=True)
            continue
        print(f"{name} …", flush=True)
        found = part(root)
        write_json(path, {"revision": at, "found": found})
        print("\n".join(shown(found)), flush=True)


def shown(found: Any) -> Iterable[str]:
    """A table as it is, figures as a list."""
    if isinstance(found, list):
        return found
    return [f"{name}: {value:.4g}" for name, value in found.items()]


def page(at: str) -> str:
    """The page of a revision's parts."""
    said = ["# A promoted service in use", "", "    python benchmarks/serving.py", ""]
    described = ", ".join(f"{name} {value}" for name, value in machine().items())
    said += [f"Revision {at}. {described}.", "", *str(__doc__).split("\n\n")[1].splitlines()]
    for name, title in TITLES.items():
        path = KEPT / f"{name}.json"
        kept = read_json(path) if path.is_file() else {}
        if kept.get("revision") != at:
            said += ["", f"## {title}", "", "Not run on this revision."]
            continue
        lines = shown(kept["found"])
        bare = isinstance(kept["found"], list)
        said += ["", f"## {title}", "", *(lines if bare else (f"- {line}" for line in lines))]
    return "\n".join(said) + "\n"


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="tries the code, writes nothing")
    made.add_argument("--part", action="append", choices=list(TITLES), help="only this")
    made.add_argument("--weights", type=Path, help="folder of MiniLM (else the pinned)")
    made.add_argument("--data", type=Path, help="folder with MASSIVE's en-US.jsonl")
    return made.parse_args()


def main() -> None:
    options = arguments()
    plan = QUICK if options.quick else Plan()
    known = parts(plan, options.data, options.quick)
    wanted = {name: known[name] for name in options.part or known}
    at = revision()
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch), options.weights)
        if options.quick:
            for name, part in wanted.items():
                print(f"{name}: {json.dumps(part(Path(scratch)))}", flush=True)
            return
        run(wanted, Path(scratch), at)
    PAGE.write_text(page(at), encoding="utf-8")
    print(f"{PAGE} is written")


if __name__ == "__main__":
    main()
