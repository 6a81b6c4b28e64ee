"""report/complete.json → finished.json: order, and whether validation stopped a candidate."""

from pathlib import Path

from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.stages import run


def finish() -> None:
    complete = read_json(Path("report/complete.json"))
    if stopped := complete["stopped"]:
        lines = [f"  {name}: {reason}" for name, reason in stopped.items()]
        raise PlaitError(
            f"{len(stopped)} of {len(stopped) + len(complete['timed'])} candidates were not "
            "trained. report/ compares the others.\n" + "\n".join(lines) + "\n"
            "See validation/index.html; correct the data, or set the policy of the rule in "
            "params.yaml."
        )
    write_json(Path("finished.json"), complete)


if __name__ == "__main__":
    run(finish)
