"""params.yaml → fetched/data/DATASET, fetched/weights/BACKBONE."""

from pathlib import Path

from plait.experiment.loading import load
from plait.preparation.fetching import fetch
from plait.stages import run


def main() -> None:
    fetch(load(), Path("fetched/data"), Path("fetched/weights"))


if __name__ == "__main__":
    run(main)
