"""What a run shows: live lines in a terminal, one line a stage where there is none."""

import io
import os
import sys
import time
from pathlib import Path

import pytest
import yaml
from rich.console import Console

import projects
from plait.running import graph
from plait.running.events import Event
from plait.running.terminal import Terminal
from screens import in_terminal, screen

FIGURES = {"label": "train", "done": 45, "total": 100, "figures": {"loss": 0.1, "left": "2 min"}}
LIVE = """
import sys, time
from rich.console import Console
from plait.running.events import Event
from plait.running.terminal import Terminal
with Terminal(Console()) as tell:
    for name in ("train@a", "train@b-with-a-long-name-that-takes-much-of-the-line"):
        tell(Event("started", name))
    for step in range(4):
        for name in ("train@a", "train@b-with-a-long-name-that-takes-much-of-the-line"):
            figures = {"label": "train", "done": step, "total": 4, "figures": {"loss": 1 / 3}}
            tell(Event("progress", name, figures=figures))
        time.sleep(0.2)
    tell(Event("ran", "train@a"))
    time.sleep(0.3)
    tell(Event("line", "train@b-with-a-long-name-that-takes-much-of-the-line", "why [it] broke"))
    tell(Event("failed", "train@b-with-a-long-name-that-takes-much-of-the-line", "broken"))
"""


def plain(still_running: float = 60) -> tuple[Terminal, io.StringIO]:
    stream = io.StringIO()
    return Terminal(Console(file=stream, width=100), still_running), stream


def test_without_a_terminal_a_stage_is_one_line_at_its_end() -> None:
    terminal, stream = plain()
    with terminal:
        terminal(Event("started", "train@a"))
        for _ in range(50):
            terminal(Event("progress", "train@a", figures=FIGURES))
        assert stream.getvalue() == ""
        terminal(Event("ran", "train@a"))
        terminal(Event("started", "timing@a"))
        terminal(Event("restored", "timing@a"))
        terminal(Event("unchanged", "prepare"))
    assert stream.getvalue() == "✓ train@a  0 s\n= timing@a  taken from DVC's cache\n"
    assert terminal.counts["unchanged"] == 1


def test_without_a_terminal_a_long_stage_is_mentioned_now_and_then() -> None:
    terminal, stream = plain(still_running=0.4)
    with terminal:
        terminal(Event("started", "train@a"))
        terminal(Event("started", "fetch"))
        terminal(Event("progress", "train@a", figures=FIGURES))
        time.sleep(1.0)  # no event comes meanwhile
        terminal(Event("ran", "train@a"))
        terminal(Event("ran", "fetch"))
        time.sleep(0.6)
    lines = stream.getvalue().splitlines()
    assert lines.count("… train@a  still running after 0 s: train 45 %, 2 min left") >= 1
    assert "… fetch  still running after 0 s" in lines
    assert 2 + 2 <= len(lines) <= 2 + 4  # and two at the ends
    assert lines[-1].startswith("✓ fetch")


def test_a_failure_shows_the_last_lines_of_the_stage_that_failed() -> None:
    terminal, stream = plain()
    with terminal:
        terminal(Event("started", "train@a"))
        terminal(Event("line", "train@a", "first try"))
        terminal(Event("started", "train@a"))
        terminal(Event("line", "train@a", "second [bold]try"))
        terminal(Event("failed", "train@a", "reason"))
    assert stream.getvalue() == "✗ train@a  failed after 0 s\n    second [bold]try\n"


def test_a_stage_is_called_by_its_name_alone_where_one_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = projects.make(tmp_path / "project", {"train": projects.training("a", 0)})
    for name in ("one", "two"):
        (folder / name).mkdir()
        stages = {stage: {"cmd": f"echo > {stage}", "outs": [stage]} for stage in (name, "report")}
        (folder / name / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    monkeypatch.chdir(folder)
    assert {stage.address: stage.name for stage in graph.read(folder).stages.values()} == {
        "train": "train",
        "one/dvc.yaml:one": "one",
        "two/dvc.yaml:two": "two",
        "one/dvc.yaml:report": "one/dvc.yaml:report",
        "two/dvc.yaml:report": "two/dvc.yaml:report",
    }


def test_in_a_terminal_running_stages_are_live_lines_that_collapse(tmp_path: Path) -> None:
    status, written = in_terminal([sys.executable, "-c", LIVE], tmp_path, dict(os.environ), 80)
    assert status == 0, written
    left = [line for line in screen(written) if line]
    assert [line.split("  ")[0] for line in left] == [
        "✓ train@a", "✗ train@b-with-a-long-name-that-takes-much-of-the-line", "",
    ]  # fmt: skip
    assert left[-1] == "    why [it] broke"
    before = written[: written.index("✓")]
    middle = screen(before[: before.rindex("\r\x1b[2K")])  # then the live lines are drawn anew
    (live,) = [line for line in middle if "train@a" in line]
    assert "train loss 0.3" in live
    assert max(map(len, middle)) <= 80
    assert sum("train@b-with-a" in line for line in middle) == 1
