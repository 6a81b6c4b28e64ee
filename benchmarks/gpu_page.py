"""The page of the GPU campaign: what its journal says, as Markdown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.files import atomic_write
from plait.pages.markdown import escape

HEAD = """# On a GPU

Made by `python benchmarks/gpu_campaign.py`, never by hand. A step that is *cut* ran out of its time
and shows what it had found; one that *failed* shows how it ended.
"""


def write(path: Path, value: Any) -> None:
    """JSON in the order given: tables keep the order of their columns."""
    with atomic_write(path) as stream:
        stream.write(f"{json.dumps(value, indent=1, ensure_ascii=False)}\n".encode())


def page(runs: Sequence[Mapping[str, Any]]) -> str:
    """All runs, the newest first."""
    return "\n".join([HEAD, *(line for run in runs for line in _run(run))])


def _run(run: Mapping[str, Any]) -> Iterator[str]:
    dry = " (dry: tiny sizes, the figures mean nothing)" if run["dry"] else ""
    yield f"## {escape(str(run['card']))}{dry}\n"
    machine = ", ".join(f"{name} {value}" for name, value in run["machine"].items())
    yield f"Code {run['code']}, revision {run['revision'] or 'unknown'}; {escape(machine)}.\n"
    steps = run["steps"]
    yield table(
        [
            {"step": name, "state": step["state"], "seconds": step["seconds"]}
            for name, step in steps.items()
        ]
    )
    for name, step in steps.items():
        yield from _step(name, step)


def _step(name: str, step: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if step["error"]:
        yield "".join(f"    {line}\n" for line in step["error"].splitlines())
    for title, value in step["found"].items():
        if isinstance(value, list):
            yield f"{escape(title)}:\n\n{table(value)}"
        else:
            yield f"{escape(title)}: {escape(str(value))}\n"


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """A line each; columns in the order in which they are first met."""
    columns = list(dict.fromkeys(key for line in lines for key in line))
    if not columns:
        return "none\n"
    rows = [columns, ["---"] * len(columns)]
    rows += [[escape(_shown(line.get(key))) for key in columns] for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return " ".join(str(value).split())
