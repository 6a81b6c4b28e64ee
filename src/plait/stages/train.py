"""inputs/CANDIDATE, weights/BACKBONE → models/CANDIDATE, curves/CANDIDATE.

Resumes from .plait/checkpoints.

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
from plait.training.history import write_curves
from plait.training.launching import CONFIG, launch
from plait.training.trackers import keep_tracked
from plait.validation.gates import GATES, stopped

FIRST = os.environ.get("RANK", "0") == "0"  # of several processes


def train(name: str) -> None:
    if reason := stopped(GATES, [name]).get(name):
        # An output that says so, since a failure would keep the report from the other candidates.
        print(f"{name} is not trained: {reason}. See {GATES.with_name('index.html')}.")
        if FIRST:
            bundle.leave_out(Path("models", name), reason)
            write_curves({}, Path("curves", name))
        return
    if config := os.environ.pop(CONFIG, None):
        sys.exit(launch(Path(config), "plait.stages.train", name))
    inputs, scratch = Path("inputs", name), Path(".plait/checkpoints", name)
    candidate = Resolved.from_json(read_json(inputs / "candidate.json"))
    restore(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    rows = {split: _rows(inputs / split) for split in ("train", "dev")}
    weights = Path("weights", candidate.backbone)
    model = approach(candidate.approach).train(
        candidate, weights, rows["train"], rows["dev"], scratch
    )
    if FIRST:
        coverage = {split: model.said(candidate, split, rows[split]) for split in rows}
        bundle.save(model, candidate, Path("models", name), coverage)
        write_curves(model.curves(), Path("curves", name))
        keep_tracked(scratch, Path(".plait/trackers", name))
        remove(scratch)


def _rows(folder: Path) -> Rows:
    return {path.stem: read_rows(path) for path in sorted(folder.glob("*.jsonl"))}


if __name__ == "__main__":
    run(train)
