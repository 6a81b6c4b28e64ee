"""What benchmarks on MASSIVE share: their options, its rows, and the pinned backbones."""

import argparse
import random
import tempfile
from pathlib import Path

from plait.datasets.massive import Massive
from plait.experiment.loading import load
from plait.preparation.fetching import fetch
from plait.tasks import Row

ROOT = Path(__file__).parents[1]


def parser(description: str | None, quick: str) -> argparse.ArgumentParser:
    """The options that every benchmark of training or answering on MASSIVE takes.

    Args:
        quick: what --quick leaves out, and how long it then takes.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--weights", type=Path, help="backbone's folder (else the pinned one)")
    made.add_argument("--data", type=Path, help="folder with MASSIVE's en-US.jsonl")
    return made


def backbone(name: str) -> Path:
    """The folder of a backbone of experiments/massive.yaml, which is fetched if need be."""
    fetched = ROOT / ".plait/benchmarks" / name
    for folder in (ROOT / "weights" / name, fetched / "weights" / name):
        if (folder / "config.json").exists():
            return folder
    experiment = load(ROOT / "experiments/massive.yaml")
    alone = {"datasets": {}, "backbones": {name: experiment.backbones[name]}}
    fetch(experiment.model_copy(update=alone), fetched / "data", fetched / "weights")
    return folder


def rows(data: Path | None, count: int) -> list[Row]:
    """Training rows of MASSIVE en-US from a folder or as pinned, drawn by a seed.

    In the file they stand scenario by scenario.
    """
    reader = Massive(reader="massive")
    with tempfile.TemporaryDirectory() as scratch:
        folder = data or Path(scratch)
        if data is None:
            for source in reader.sources():
                source.fetch(folder)
        found = [row for split, row in reader.read(folder, 0) if split == "train"]
    random.Random(0).shuffle(found)
    return found[:count]
