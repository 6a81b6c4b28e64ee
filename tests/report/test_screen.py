"""How a run ends: one screen for a person, from what the report stage has left."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contenders import with_floors
from plait.commands.run import WIDTH, _next
from plait.files import read_json
from plait.plans.verdict import Contender, choose
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.report.screen import show
from reports import root

__all__ = ["root"]


@pytest.fixture(scope="module")
def summary(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_json(root / "report/summary.json")
    return found


def printed(summary: dict[str, Any], width: int, terminal: bool = False) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=width, force_terminal=terminal, soft_wrap=True), summary)
    return stream.getvalue()


def test_the_summary_is_what_was_measured(root: Path, summary: dict[str, Any]) -> None:
    (service,) = summary["services"]
    assert (service["service"], service["winner"]) == ("assistant", "one-per-task")
    assert service["headlines"] == {"intent": "accuracy", "slots": "span_f1"}
    plans = {plan["plan"]: plan for plan in service["plans"]}
    assert plans["one-per-task"]["models"] == ["tfidf-intent", "tfidf-slots"]
    for task, metric in service["headlines"].items():
        details = read_json(root / f"predictions/tfidf-{task}/details.json")
        assert plans["one-per-task"]["scores"][task] == details["tasks"][task]["metrics"][metric]
    ways = read_json(root / "timings/requests/assistant.json")["plans"]["one-per-task"].values()
    assert plans["one-per-task"]["p50_ms"] == min(way["p50_ms"] for way in ways)
    text = (root / "report/report.md").read_text(encoding="utf-8")
    assert text.count(service["verdict"].rstrip(".")) == 1
    assert service["verdict"].endswith(" %.")


@pytest.mark.parametrize(
    ("scores", "gates", "headline"),
    [
        ((0.9, 0.8), {}, "Plan model (model) wins: mean headline metric 90.00 %; the floor has"),
        ((0.7, 0.8), {}, "No fine-tuned model beats the floor: plan floor (floor) wins with mean"),
        ((0.7, 0.8), {"topic": 0.95}, "No fine-tuned model beats the floor, and the floor fails"),
    ],
)
def test_the_headline_begins_the_sentence(
    scores: tuple[float, float], gates: dict[str, float], headline: str
) -> None:
    plans = [
        with_floors(Contender(name, (name,), {"topic": score}), gates)
        for name, score in zip(("model", "floor"), scores, strict=True)
    ]
    found = choose("s", plans, floor="floor")
    assert found.headline.startswith(headline)
    assert found.sentence.startswith(found.headline.rstrip("."))


def test_two_services_fit_on_a_screen(summary: dict[str, Any]) -> None:
    service = summary["services"][0]
    text = printed({**summary, "services": [service, {**service, "service": "other"}]}, WIDTH)
    lines = text.splitlines()
    assert len(lines) + 10 <= 40  # paths and commands follow
    assert max(map(len, lines)) <= WIDTH
    assert all(c == "\n" or c.isprintable() for c in text)
    assert [line.split()[0] for line in lines if line.startswith("✓")] == ["✓", "✓"]
    (winner, _) = [line for line in lines if line.startswith("✓")]
    details = shown(summary, "intent")
    assert winner.split("  ")[0] == "✓ one-per-task"
    assert "tfidf-intent, tfidf-slots" in winner
    assert details in winner


def shown(summary: dict[str, Any], task: str) -> str:
    plan = next(p for p in summary["services"][0]["plans"] if p["plan"] == "one-per-task")
    low, high = (f"{100 * end:.1f}" for end in plan["scores"][task]["ci95"])
    return f"{100 * plan['scores'][task]['value']:.1f} [{low}, {high}]"


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_figure_is_cut_or_broken(summary: dict[str, Any], width: int) -> None:
    text = printed(summary, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    value, interval = shown(summary, "slots").split(" ", 1)
    assert any(interval in line for line in text.splitlines())
    assert any(value in line for line in text.splitlines())


def test_a_terminal_shows_the_winner_in_colour_and_the_same_words(summary: dict[str, Any]) -> None:
    coloured = printed(summary, WIDTH, terminal=True)
    assert "\x1b[1;32m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == printed(summary, WIDTH)


def test_the_next_commands_name_a_service_that_has_a_champion(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    commands = _next(root, None)
    assert [command.rpartition("/")[2] for command in commands] == ["dvc metrics show"]
    registry = Registry(root)
    record = registry.write(Record("assistant", "promoted", "one-per-task", plan="one-per-task"))
    registry.point(record)
    first = _next(root, None)[0]
    assert first.endswith('plait predict "some text" --service assistant')
    assert Path(first.split()[0]).is_file()
