"""`plait check-model`: whether a backbone gives right answers with each approach."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from plait.conformance.findings import Verdict

Backbone = Annotated[
    str, typer.Argument(help="A backbone of params.yaml, or a folder with config.json.")
]
Kind = Annotated[
    Literal["encoder", "decoder"] | None,
    typer.Option(help="Of the backbone; default: by its architecture."),
]
Epochs = Annotated[
    int, typer.Option(min=1, help="Of each training: more for a model that learns slowly.")
]


def check_model(backbone: Backbone, kind: Kind = None, epochs: Epochs = 3) -> None:
    """Check whether a backbone gives right answers with each approach that suits it.

    Trains it on 360 toy commands in five languages (English, Chinese, Thai, Arabic, English with
    emoji), then checks: does it learn labels and spans; are its vectors and scores those of the
    model's own forward pass; do batches, packed rows and a saved model answer alike; are spans
    whole words; are control tokens, invisible and long texts harmless? Writes nothing into the
    project. Takes a minute for a small encoder on two cores, longer for a large model. Exit code 1
    if no approach fits in any language.
    """
    import tempfile

    from rich.console import Console

    from plait.conformance import backbones

    with tempfile.TemporaryDirectory(prefix="plait-check-model-") as scratch:
        folder = backbones.laid_out(_found(backbone), kind, Path(scratch))
        verdicts = _verdicts(folder, Path(scratch), epochs)
    Console().print(_table(backbone, verdicts))
    for approach, verdict in verdicts.items():
        if not verdict.fits():
            print(f"\n{approach}\n{verdict}")
    if not any(verdict.fits(name) for verdict in verdicts.values() for name in _languages()):
        raise typer.Exit(1)


def _found(backbone: str) -> Path:
    """The folder of a backbone's files."""
    from plait.errors import PlaitError, did_you_mean
    from plait.experiment import loading
    from plait.running.project import root

    if (Path(backbone) / "config.json").is_file():
        return Path(backbone)
    if Path(backbone).is_dir():
        raise PlaitError(f"{backbone}: no config.json here. Expected a folder of a model's files.")
    known = loading.load(root() / "params.yaml").backbones
    local = [name for name, entry in known.items() if entry.kind in ("encoder", "decoder")]
    if backbone not in local:
        raise PlaitError(
            f"{backbone!r}: found neither a folder nor a backbone with weights in params.yaml"
            f"{did_you_mean(backbone, local)}"
        )
    folder = root() / "weights" / backbone
    if not (folder / "config.json").is_file():
        raise PlaitError(f"{folder}: no weights here yet. Bring them with `plait fetch`.")
    return folder


def _verdicts(folder: Path, scratch: Path, epochs: int) -> "dict[str, Verdict]":
    from plait.approaches.registry import APPROACHES
    from plait.conformance.backbones import kind_of
    from plait.conformance.examining import Setting, examine

    suiting = [name for name, entry in APPROACHES.items() if kind_of(folder) in entry.backbones]
    found = {}
    for name in suiting:
        say = partial(_say, name)
        setting = Setting(name, epochs=(epochs,), threads=0)
        found[name] = examine(folder, setting, scratch / f"as {name}", say)
    return found


def _say(approach: str, what: str) -> None:
    print(f"{approach}: {what}", file=sys.stderr)


def _languages() -> list[str]:
    from plait.conformance.toy import LANGUAGES

    return [spoken.name for spoken in LANGUAGES]


def _table(backbone: str, verdicts: "Mapping[str, Verdict]") -> "Table":
    from rich.table import Table

    from plait.conformance.findings import SEVERAL

    columns = [*_languages(), SEVERAL]
    table = Table("Approach", *columns, title=backbone)
    for approach, verdict in verdicts.items():
        table.add_row(approach, *(_entry(verdict.summary(name)) for name in columns))
    return table


def _entry(summary: str) -> str:
    style = {"fits": "green", "refused": "yellow", "not run": "yellow"}.get(summary, "red")
    shown = summary if style != "red" else f"does not: {summary}"
    return f"[{style}]{shown}[/{style}]"
