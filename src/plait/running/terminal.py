"""The run on the terminal: a live line for each running stage, one line for each that has ended."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from plait.running.events import Event
from plait.running.pace import duration

STILL_RUNNING = 60.0
"""Seconds between two lines about a stage that still runs, without a terminal."""
SHOWN_LINES = 20
DVC_BARS = ("dvc.progress", "dvc_data.callbacks")
"""Loggers whose level decides whether DVC draws its own bars between the live lines."""


@dataclass
class Running:
    """A running stage: its start, its last line here (both in seconds), figures and output."""

    bar: TaskID
    began: float = field(default_factory=time.monotonic)
    spoke: float = field(default_factory=time.monotonic)
    figures: Mapping[str, Any] | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN_LINES))


class Terminal:
    """A listener to `plait.running.events`, as a context. Without a terminal it prints plain lines.

    Args:
        still_running: seconds between two lines about a stage that still runs.
    """

    def __init__(self, console: Console, still_running: float = STILL_RUNNING) -> None:
        self.console = console
        self.still_running = still_running
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._mention, daemon=True)
        self._progress = Progress(
            TextColumn("  {task.description}", table_column=_column(2)),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[note]}", table_column=_column(3)),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "Terminal":
        for bars in DVC_BARS:
            logging.getLogger(bars).setLevel(logging.CRITICAL)
        self._progress.start()
        if not self.console.is_terminal:
            self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()
        self._ended.set()
        if self._watch.is_alive():
            self._watch.join()

    def __call__(self, event: Event) -> None:
        """Show one event; the threads of stages may call this at the same time."""
        with self._lock:
            self._show(event)

    def _show(self, event: Event) -> None:
        self.counts[event.kind] += 1
        running = self._running.get(event.stage)
        if event.kind == "note":
            self._print(escape(event.text))
        elif event.kind == "lost":
            self._progress.stop()
        elif event.kind == "started":
            self._start(event.stage)
        elif event.kind == "progress" and running is not None:
            self._show_progress(running, event.figures or {})
        elif event.kind == "line" and running is not None:
            running.lines.append(event.text)
        elif event.kind not in ("progress", "line"):
            self._end(event)

    def _start(self, stage: str) -> None:
        if stage in self._running:  # it crashed and is run again
            self._progress.remove_task(self._running.pop(stage).bar)
        bar = self._progress.add_task(escape(stage), total=None, note="")
        self._running[stage] = Running(bar)

    def _show_progress(self, running: Running, figures: Mapping[str, Any]) -> None:
        running.figures = figures
        parts = [str(figures["label"]), *(f"{k} {v}" for k, v in figures["figures"].items())]
        self._progress.update(
            running.bar,
            total=figures["total"] or None,
            completed=figures["done"],
            note=escape(" ".join(parts)),
        )

    def _end(self, event: Event) -> None:
        running = self._running.pop(event.stage, None)
        if running is not None:
            self._progress.remove_task(running.bar)
        took = duration(time.monotonic() - running.began) if running else duration(0)
        if event.kind == "ran":
            self._say("[green]✓[/]", event.stage, took)
        elif event.kind == "restored":
            self._say("[green]=[/]", event.stage, "taken from DVC's cache")
        elif event.kind == "failed":
            self._say("[red]✗[/]", event.stage, f"failed after {took}")
            for line in running.lines if running else ():
                self._print(f"    {escape(line)}")

    def _mention(self) -> None:
        """Print a line about each stage that runs long, until the run ends."""
        while not self._ended.wait(min(1.0, self.still_running / 4)):
            with self._lock:
                self._mention_long()

    def _mention_long(self) -> None:
        now = time.monotonic()
        for stage, running in self._running.items():
            if now - running.spoke >= self.still_running:
                running.spoke = now
                text = f"still running after {duration(now - running.began)}"
                self._say("…", stage, text + _how_far(running.figures))

    def _say(self, sign: str, stage: str, text: str) -> None:
        self._print(f"{sign} {escape(stage)}  [dim]{escape(text)}[/]")

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


def _column(ratio: int) -> Column:
    """One line, cut where the terminal is too narrow."""
    return Column(no_wrap=True, overflow="ellipsis", ratio=ratio)


def _how_far(figures: Mapping[str, Any] | None) -> str:
    """Percentage and remaining time, as far as they are known."""
    if not figures or not figures["total"]:
        return ""
    left = figures["figures"].get("left")
    share = f": {figures['label']} {100 * figures['done'] / figures['total']:.0f} %"
    return f"{share}, {left} left" if left else share
