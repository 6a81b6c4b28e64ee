"""inputs/CANDIDATE, weights/BACKBONE → models/CANDIDATE. Resumes from .plait/checkpoints.

Several GPUs: name an accelerate configuration in PLAIT_ACCELERATE_CONFIG (see infra/accelerate/),
and the stage starts itself again under `accelerate launch`. It also runs under `torchrun`, and
always data parallel: sharded training is refused.
"""

import os
import sys
from pathlib import Path

from plait import bundle
from plait.approaches.base import Resolved, Rows
from plait.approaches.loading import approach
from plait.files import read_json, remove, restore
from plait.stages import run
from plait.tasks import read_rows
from plait.training.launching import CONFIG, launch


def train(name: str) -> None:
    if config := os.environ.pop(CONFIG, None):
        sys.exit(launch(Path(config), "plait.stages.train", name))
    inputs, scratch = Path("inputs", name), Path(".plait/checkpoints", name)
    candidate = Resolved.from_json(read_json(inputs / "candidate.json"))
    restore(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    model = approach(candidate.approach).train(
        candidate,
        Path("weights", candidate.backbone),
        _rows(inputs / "train"),
        _rows(inputs / "dev"),
        scratch,
    )
    if os.environ.get("RANK", "0") == "0":
        bundle.save(model, candidate, Path("models", name))
        remove(scratch)


def _rows(folder: Path) -> Rows:
    return {path.stem: read_rows(path) for path in sorted(folder.glob("*.jsonl"))}


if __name__ == "__main__":
    run(train)
