"""How long stages took, where the flow ran them: for the report alone, since no one can repeat it.

Stands under `.plait`, which git and DVC ignore, like everything that must show in no output.
"""

import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plait.files import json_line, read_jsonl

LEDGER = Path(".plait/seconds.jsonl")


def record(ledger: Path, stage: str, seconds: float) -> None:
    """Add a run of a stage."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    line = {"stage": stage, "seconds": round(seconds, 2), "machine": platform.node()}
    with ledger.open("ab") as stream:
        stream.write(json_line(line))


def training(ledger: Path, candidates: Iterable[str]) -> dict[str, float]:
    """Seconds of each candidate's last training on this machine, where it is known."""
    lines: Iterable[Any] = read_jsonl(ledger) if ledger.is_file() else ()
    here = platform.node()
    last = {line["stage"]: line["seconds"] for line in lines if line["machine"] == here}
    return {name: last[f"train@{name}"] for name in candidates if f"train@{name}" in last}
