"""An experiment's quality, by the stages that every user runs, in a copy of the project.

Each candidate is trained and benchmarked in turn, so that a cut run keeps the scores of those that
ended; then come timings and the report with the verdicts.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from massive import ROOT
from plait.files import read_json, sha256
from plait.running.new_project import copy_graph
from plait.strict_yaml import read

VERDICT = ("service", "winner", "verdict")
SEED = "-seed"
"""In the names of candidates that repeat another one with another seed."""
DRY_PLANS = ("llm-writes-consolidated", "consolidated")
DRY_TRAINING = {"epochs": 1, "max_length": 32, "evaluations": 1, "batch_size": 16}


def run(folder: Path, name: str, seeds: bool, dry: bool) -> Iterator[dict[str, Any]]:
    """Scores after each candidate; in the end the report's records and verdicts.

    Args:
        folder: it has `mirror/` and `downloads/`; the copy of the project lies there, too, so a
            later run restores what this one finished.
        seeds: whether candidates with other seeds take part.
    """
    project = folder / "projects" / name
    experiment = reduced(read(ROOT / "experiments" / f"{name}.yaml"), seeds)
    if dry:
        experiment = tiny(experiment, folder / "mirror")
    _lay_out(project, yaml.safe_dump(experiment, sort_keys=False), name)
    scores: list[dict[str, Any]] = []
    for candidate in list(experiment["candidates"])[: 1 if dry else None]:
        _dvc(folder, project, "repro", f"benchmark@{candidate}")
        scores += _scores(project, candidate)
        yield {"scores": scores}
    _dvc(folder, project, "repro")
    summary = read_json(project / "report/summary.json")["services"]
    yield {
        "records": read_json(project / "report/records.json")["records"],
        "verdicts": [
            {key: each[key] for key in ("service", "winner", "verdict")} for each in summary
        ],
        "plans": [_plan(each, plan) for each in summary for plan in each["plans"]],
    }


def _plan(service: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "service": service["service"],
        "plan": plan["plan"],
        "p50 ms": plan["p50_ms"],
        **plan["scores"],
    }


def reduced(experiment: dict[str, Any], seeds: bool) -> dict[str, Any]:
    """The experiment, without candidates of other seeds unless they are wanted."""
    kept = {
        name: value for name, value in experiment["candidates"].items() if seeds or SEED not in name
    }
    return {**experiment, "candidates": kept}


def tiny(experiment: dict[str, Any], mirror: Path) -> dict[str, Any]:
    """The same experiment, of few candidates, on a mirror of tiny data and tiny models."""
    pins = {
        "twenty_newsgroups": sha256(mirror / "20news-bydate.tar.gz"),
        "massive": sha256(mirror / "massive/1.1/data/en-US.jsonl"),
    }
    services = {
        name: {
            **service,
            "plans": {plan: service["plans"][plan] for plan in _dry_plans(service["plans"])},
            "gates": {"tasks": dict.fromkeys(service["gates"]["tasks"], 0.0)},
        }
        for name, service in experiment["services"].items()
    }
    planned = {c for each in services.values() for plan in each["plans"].values() for c in plan}
    seeded = [name for name in experiment["candidates"] if SEED in name][:1]
    return {
        **experiment,
        "datasets": {
            name: {**value, "sha256": pins[value["reader"]]}
            for name, value in experiment["datasets"].items()
        },
        "backbones": {
            name: value if value["kind"] == "none" else _tiny_backbone(name, value["kind"])
            for name, value in experiment["backbones"].items()
        },
        "candidates": {
            name: {**value, "training": DRY_TRAINING}
            for name, value in experiment["candidates"].items()
            if name in {*planned, *seeded}
        },
        "services": services,
    }


def _dry_plans(plans: Collection[str]) -> list[str]:
    """One that learns, and the floor: each process of a stage takes seconds to start."""
    return [next(plan for plan in DRY_PLANS if plan in plans), "floor"]


def _tiny_backbone(name: str, kind: str) -> dict[str, Any]:
    return {"kind": kind, "hub": {"repo": f"tiny/{name}", "revision": "0" * 40}}


def _lay_out(project: Path, experiment: str, name: str) -> None:
    """A project with that experiment, which needs no git; outputs of earlier runs stay."""
    copy_graph(project)
    (project / ".dvc/config.local").write_text("[core]\n    no_scm = true\n", encoding="utf-8")
    (project / "experiments").mkdir(exist_ok=True)
    for target in (project / "params.yaml", project / "experiments" / f"{name}.yaml"):
        target.write_text(experiment, encoding="utf-8")


def _dvc(folder: Path, project: Path, *command: str) -> None:
    """DVC in the project, with this checkout's code, and nothing from a network."""
    environment = {
        **os.environ,
        "PLAIT_MIRROR": str(folder / "mirror"),
        "PLAIT_DOWNLOADS": str(folder / "downloads"),
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
    }
    subprocess.run(
        [sys.executable, "-m", "dvc", *command], cwd=project, env=environment, check=True
    )


def _scores(project: Path, candidate: str) -> list[dict[str, Any]]:
    found = read_json(project / "scores" / f"{candidate}.json")
    return [{"candidate": candidate, "task": task, **values} for task, values in found.items()]
