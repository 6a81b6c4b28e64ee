"""Small real DVC projects."""

import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from dvc.repo import Repo  # here: DVC logs to the standard error of whoever imports it first

from plait.running.graph import environment

REPOSITORY = Path(__file__).parents[2]
EMPTY: dict[str, object] = {
    "seed": 1,
    **{
        section: {}
        for section in (
            "datasets",
            "tasks",
            "backbones",
            "training",
            "candidates",
            "services",
            "validation",
        )
    },
}
TRAIN = """
import json, os, pathlib, sys, time
name, seconds = sys.argv[1], float(sys.argv[2])
pathlib.Path("pid." + name).write_text(str(os.getpid()))
print("training", name, flush=True)
for step in range(10):
    value = {"label": "train", "done": step + 1, "total": 10, "figures": {"loss": 1 / (step + 1)}}
    print("plait-progress " + json.dumps(value), file=sys.stderr, flush=True)
    time.sleep(seconds / 10)
pathlib.Path("model." + name).write_text(name)
"""


def make(folder: Path, stages: dict[str, object]) -> Path:
    """A git and DVC project with these stages and `train.py NAME SECONDS`."""
    folder.mkdir(parents=True, exist_ok=True)
    git = ["git", "-C", str(folder), "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], check=True)
    Repo.init(str(folder)).close()
    for name, value in {"params.yaml": EMPTY, "dvc.yaml": {"stages": stages}}.items():
        (folder / name).write_text(yaml.safe_dump(value), encoding="utf-8")
    (folder / ".dvc" / "config").write_text("[core]\nanalytics = false\ncheck_update = false\n")
    (folder / ".gitignore").write_text(".plait/\n")
    (folder / "train.py").write_text(TRAIN)
    (folder / "flows").symlink_to(REPOSITORY / "flows")
    return folder


def without_stages(folder: Path) -> None:
    """Make a folder a DVC project in which no stage can have changed."""
    Repo.init(str(folder), no_scm=True).close()
    (folder / "dvc.yaml").write_text("stages: {}\n")


def working_tree(folder: Path, experiment: str) -> Path:
    """A copy of this repository as it stands, with an experiment in place."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():  # one that isn't deleted just now
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    shutil.copy(folder / "experiments" / f"{experiment}.yaml", folder / "params.yaml")
    return folder


def training(name: str, seconds: float, **more: object) -> dict[str, object]:
    """A stage that trains for a while, and takes all cores unless told otherwise."""
    return {
        "cmd": f"python train.py {name} {seconds}",
        "deps": ["train.py"],
        "outs": [f"model.{name}"],
        "meta": {"cores": 0},
        **more,
    }


def dvc(folder: Path, *arguments: str) -> str:
    """Run DVC in a project as from an activated environment; its output."""
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    ).stdout
