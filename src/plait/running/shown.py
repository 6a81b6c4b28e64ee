"""What the Prefect pages show of a run beside its states: name, tags, curves of trainings."""

import base64
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import yaml
from prefect.artifacts import create_image_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from plait.experiment.loading import load
from plait.experiment.switching import name_or_digest
from plait.running.graph import Stage
from plait.running.progress_artifact import key
from plait.training.history import read_curves

DATA = "data.dvc"
"""DVC's pin of the data that the stages read."""
_DIGITS = 4


def title(root: Path, *ends: str) -> str:
    """A run's name: `default · data a3de · ENDS`; without the data where DVC has no pin of them."""
    found = _data_version(root)
    return " · ".join([name_or_digest(root), *([f"data {found}"] if found else []), *ends])


def _data_version(root: Path) -> str:
    path = root / DATA
    if not path.is_file():
        return ""
    outs = yaml.safe_load(path.read_text(encoding="utf-8"))["outs"]
    return str(outs[0].get("md5", ""))[:_DIGITS]  # none before the first run


def rename(name: str) -> None:
    """Give the run that this is called in another name."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_name(UUID(flow_run.id), name)


def tag(root: Path) -> None:
    """Tag the run by experiment and services, so that the pages can be filtered by them."""
    names = [f"service:{name}" for name in load(root / "params.yaml").services]
    _add_tags([f"experiment:{name_or_digest(root)}", *names])


def _add_tags(tags: Iterable[str]) -> None:
    with get_client(sync_client=True) as client:
        mine = UUID(flow_run.id)
        known = client.read_flow_run(mine).tags
        client.update_flow_run(mine, tags=[*known, *(t for t in tags if t not in known)])


def show_curves(settled: Stage) -> None:
    """Show the curves of a stage that has some as a picture."""
    from plait.report.pictures import curves_picture  # imports matplotlib: half a second

    for folder in settled.curves:
        if curves := read_curves(folder):
            drawn = curves_picture(curves, folder.name)
            create_image_artifact(
                image_url=_as_url(drawn),
                key=key("curves", settled.name),
                description=f"Curves of {settled.name}: loss, and dev score (dashed)",
            )


def _as_url(svg: str) -> str:
    # The pages are dark, and the picture's ink is too.
    svg = svg.replace("<svg ", '<svg style="background: #fff" ', 1)
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
