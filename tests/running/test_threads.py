"""What several threads change is whole: counts add up, keys of artifacts are never alike."""

import io
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from plait.running.events import Event
from plait.running.progress_artifact import key
from plait.running.terminal import Terminal
from threads import Unhurried


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_events_of_all_stages_are_counted() -> None:
    terminal = Terminal(Console(file=io.StringIO()))
    terminal.counts = Unhurried()

    def stage(number: int) -> None:
        for _ in range(50):
            terminal(Event("started", f"stage{number}"))
            terminal(Event("unchanged", f"stage{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(stage, range(8)))
    assert dict(terminal.counts) == {"started": 400, "unchanged": 400}


Addresses = st.text("ab.-+_@:/AB2", max_size=8)


@given(Addresses, Addresses)
@example("a.b", "a-b")
@example("train@a+b", "train@a-plus-b")
@example("timings/dvc.yaml:report", "timings-dvc-yaml-report")
@example("A", "a")
@example("a--b", "a-b")
def test_keys_of_artifacts_are_those_of_one_stage(one: str, other: str) -> None:
    assert re.fullmatch("progress-[a-z0-9-]*", key("progress", one))
    assert (key("progress", one) == key("progress", other)) == (one == other)


def test_a_plain_name_is_its_own_key() -> None:
    assert key("summary", "validate") == "summary-validate"
    assert key("progress", "train@a+b").startswith("progress-train-a-plus-b--")
