"""From a file of the user's own to a promoted model in three commands."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mine import tickets, write_commands, write_csv
from plait.cli import app
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.registry.store import Registry

BIN = Path(sys.executable).parent


def create(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["new", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_a_single_task_gets_a_floor_and_two_ways_to_fine_tune(tmp_path: Path) -> None:
    write_csv(tmp_path / "mine.csv", tickets())
    said = create(str(tmp_path / "My Tickets"), "--data", str(tmp_path / "mine.csv"))
    assert said.endswith("My Tickets' && plait run\n")
    found = load(tmp_path / "My Tickets/params.yaml")
    assert list(found.candidates) == ["tfidf", "encoder-team", "encoder-team-lora"]
    assert found.name == "my-tickets"
    service = found.services["my-tickets"]
    assert (service.tasks, service.floor) == (("team",), "floor")
    assert (tmp_path / "My Tickets/files/mine.csv").read_bytes() == (
        tmp_path / "mine.csv"
    ).read_bytes()


def test_several_tasks_get_one_model_each_and_one_for_all(tmp_path: Path) -> None:
    write_commands(tmp_path / "commands.jsonl")
    create(str(tmp_path / "home"), "--data", str(tmp_path / "commands.jsonl"))
    found = load(tmp_path / "home/params.yaml")
    assert {name: each.tasks for name, each in found.candidates.items()} == {
        "tfidf": ("cats", "entities"),
        "encoder-cats": ("cats",),
        "encoder-entities": ("entities",),
        "encoder-cats+entities": ("cats", "entities"),
    }
    assert found.services["home"].plans == {
        "consolidated": ("encoder-cats+entities",),
        "one-per-task": ("encoder-cats", "encoder-entities"),
        "floor": ("tfidf",),
    }


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    write_csv(tmp_path / "mine.csv", tickets())
    with pytest.raises(PlaitError, match="is there already and not empty"):
        create(str(tmp_path), "--data", str(tmp_path / "mine.csv"))
    assert [each.name for each in tmp_path.iterdir()] == ["mine.csv"]


def test_data_that_cannot_be_read_creates_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("text,label\nhi,a,b\nho,b\nhi,a\nhey,b\n")
    with pytest.raises(PlaitError, match=r"mine\.csv, line 2: found 3 cells, expected 2"):
        create(str(tmp_path / "new"), "--data", str(tmp_path / "mine.csv"))
    assert not (tmp_path / "new").exists()


def run(folder: Path, *arguments: str) -> str:
    """A command as a shell runs it, with a Prefect server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "plait.cli", *arguments],
        cwd=folder,
        env={**own, "PREFECT_API_URL": api, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.services
@pytest.mark.timeout(900)
def test_three_commands_from_a_file_to_an_answer(tmp_path: Path) -> None:
    write_commands(tmp_path / "commands.jsonl")
    run(tmp_path, "new", "home", "--data", "commands.jsonl", "--floor-only")
    said = run(tmp_path / "home", "run", "--stop-server")
    assert "home: promoted" in said
    assert Registry(tmp_path / "home").champion("home") is not None
    answer = run(
        tmp_path / "home", "predict", "turn off the lamp in the attic", "--service", "home"
    )
    assert "turn off" in answer
    assert "attic" in answer


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_three_commands_with_a_fine_tuned_encoder(tmp_path: Path) -> None:
    write_csv(tmp_path / "mine.csv", tickets())
    run(tmp_path, "new", "support", "--data", "mine.csv")
    assert "support: promoted" in run(tmp_path / "support", "run", "--stop-server")
    answer = run(tmp_path / "support", "predict", "where is my parcel", "--service", "support")
    assert "shipping" in answer
