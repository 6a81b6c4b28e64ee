"""models/CANDIDATE, texts of inputs/CANDIDATE/dev → timings/measured/CANDIDATE.json."""

from pathlib import Path

from plait import bundle
from plait.files import write_json
from plait.latency import measure
from plait.stages import run
from plait.tasks import read_rows


def timing(name: str) -> None:
    texts = {
        path.stem: [row.text for row in read_rows(path)]
        for path in sorted(Path("inputs", name, "dev").glob("*.jsonl"))
    }
    _, model = bundle.load(Path("models", name))
    write_json(Path("timings/measured", f"{name}.json"), measure(model, texts))


if __name__ == "__main__":
    run(timing)
