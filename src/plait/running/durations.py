"""How long the flow's stages took on this machine; only the report shows it.

The ledger is in `.plait`, which git and DVC ignore, because durations differ from run to run.
"""

import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plait.files import json_line, read_jsonl

LEDGER = Path(".plait/seconds.jsonl")


def record(ledger: Path, stage: str, seconds: float) -> None:
    """Append one run of a stage to the ledger."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    line = {"stage": stage, "seconds": round(seconds, 2), "machine": platform.node()}
    with ledger.open("ab") as stream:
        stream.write(json_line(line))


def training(ledger: Path, candidates: Iterable[str]) -> dict[str, float]:
    """Candidate → seconds of its last training on this machine, if the ledger has one."""
    lines: Iterable[Any] = read_jsonl(ledger) if ledger.is_file() else ()
    here = platform.node()
    last = {line["stage"]: line["seconds"] for line in lines if line["machine"] == here}
    return {name: last[f"train@{name}"] for name in candidates if f"train@{name}" in last}
