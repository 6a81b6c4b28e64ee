"""data/ → prepared/DATASET, inputs/CANDIDATE, heldout/CANDIDATE."""

from pathlib import Path

from plait.experiment.loading import load
from plait.preparation.preparing import prepare
from plait.stages import run


def main() -> None:
    prepare(load(), Path("data"), Path("prepared"), Path("inputs"), Path("heldout"))


if __name__ == "__main__":
    run(main)
