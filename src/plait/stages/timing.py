"""models/CANDIDATE, texts of inputs/CANDIDATE/dev → timings/measured/CANDIDATE.json."""

from pathlib import Path
from typing import Any

from plait import bundle
from plait.benchmark.latency import bytes_on_disk, measure, tokens_in
from plait.files import write_json
from plait.settings import Training
from plait.stages import run
from plait.tasks import read_rows


def timing(name: str) -> None:
    measured = {} if bundle.stopped(Path("models", name)) else _measured(name)
    write_json(Path("timings/measured", f"{name}.json"), measured)


def _measured(name: str) -> dict[str, Any]:
    texts = {
        path.stem: [row.text for row in read_rows(path)]
        for path in sorted(Path("inputs", name, "dev").glob("*.jsonl"))
    }
    folder = Path("models", name)
    candidate, model = bundle.load(folder)
    longest = Training.model_validate(candidate.training).max_length
    return {
        **measure(model, texts),
        "bytes": bytes_on_disk(folder),
        "tokens_in": {key: tokens_in(folder, found, longest) for key, found in texts.items()},
    }


if __name__ == "__main__":
    run(timing)
