"""heldout/CANDIDATE, models/CANDIDATE → scores/CANDIDATE.json, predictions/CANDIDATE, confusions/.

The only stage that reads held-out rows.
"""

import csv
from pathlib import Path

from plait import bundle
from plait.benchmark import Benchmark, benchmark, fingerprints
from plait.files import atomic_folder, write_json, write_jsonl
from plait.stages import run
from plait.tasks import read_rows


def main(name: str) -> None:
    candidate, model = bundle.load(Path("models", name))
    paths = {
        task.dataset: Path("heldout", name, f"{task.dataset}.jsonl") for task in candidate.tasks
    }
    held = {dataset: read_rows(path) for dataset, path in sorted(paths.items())}
    found = benchmark(candidate, model, held)
    measured = {
        "bundle": bundle.digest(Path("models", name)),
        "heldout": fingerprints(candidate.tasks, held),
    }
    with atomic_folder(Path("predictions", name)) as folder:
        write_json(folder / "details.json", {**found.details(), **measured})
        for dataset, rows in held.items():
            write_jsonl(folder / f"{dataset}.jsonl", found.predictions(dataset, rows))
    _write_confusions(found, Path("confusions", name))
    write_json(Path("scores", f"{name}.json"), found.values())


def _write_confusions(found: Benchmark, path: Path) -> None:
    """A CSV file a task, in the form that `dvc plots` reads."""
    with atomic_folder(path) as folder:
        for task, pairs in found.confusions().items():
            with (folder / f"{task}.csv").open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream, lineterminator="\n").writerows([("actual", "predicted"), *pairs])


if __name__ == "__main__":
    run(main)
