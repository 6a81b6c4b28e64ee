"""heldout/CANDIDATE, models/CANDIDATE → scores/CANDIDATE.json, predictions/CANDIDATE, confusions/.

The only stage that reads held-out rows. What it knows of training comes from the bundle,
inputs/CANDIDATE/train and validation/leaks.json.
"""

from collections import Counter
from pathlib import Path

from plait import bundle
from plait.approaches.base import Resolved
from plait.benchmark import looks
from plait.benchmark.heldout import Seen, benchmark, rows_digests, write_confusions
from plait.files import atomic_folder, read_json, write_json, write_jsonl
from plait.stages import run
from plait.tasks import label_names, read_rows


def main(name: str) -> None:
    if bundle.stopped(Path("models", name)):
        with atomic_folder(Path("predictions", name)), atomic_folder(Path("confusions", name)):
            write_json(Path("scores", f"{name}.json"), {})
        return
    candidate, model = bundle.load(Path("models", name))
    datasets = sorted({task.dataset for task in candidate.tasks})
    held = {each: read_rows(Path("heldout", name, f"{each}.jsonl")) for each in datasets}
    found = benchmark(candidate, model, held, _seen(candidate))
    digest, rows = bundle.digest(Path("models", name)), rows_digests(candidate.tasks, held)
    with atomic_folder(Path("predictions", name)) as folder:
        measured = {"bundle": digest, "heldout": rows, "remarks": dict(model.remarks())}
        write_json(folder / "details.json", {**found.details(), **measured})
        write_json(folder / "mistakes.json", found.mistakes())
        for dataset in datasets:
            write_jsonl(folder / f"{dataset}.jsonl", found.predictions(dataset, held[dataset]))
    write_confusions(found, Path("confusions", name))
    write_json(Path("scores", f"{name}.json"), found.values())
    looks.record(looks.LEDGER, digest, rows)


def _seen(candidate: Resolved) -> Seen:
    """Where the data checks left no list of leaks, nothing is said to be free of them."""
    support: dict[str, Counter[str]] = {}
    for task in candidate.tasks:
        rows = read_rows(Path("inputs", candidate.name, "train", f"{task.dataset}.jsonl"))
        support[task.name] = Counter(n for row in rows for n in label_names(row.labels[task.field]))
    path = Path("validation/leaks.json")
    leaks = read_json(path) if path.is_file() else {}
    leaked = {name: frozenset(v["exact"] + v["near"]) for name, v in leaks.items()}
    return Seen(support, leaked, bundle.coverage(Path("models", candidate.name)))


if __name__ == "__main__":
    run(main)
