"""report/complete.json → finished.json: order only."""

from pathlib import Path

from plait.files import read_json, write_json
from plait.stages import run


def finish() -> None:
    write_json(Path("finished.json"), read_json(Path("report/complete.json")))


if __name__ == "__main__":
    run(finish)
