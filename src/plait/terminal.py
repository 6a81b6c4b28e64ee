"""What a person sees of a run: one line a stage, bars for what is going on."""

import threading
import time
from collections import Counter, deque

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from plait.events import Event

LOG_SECONDS = 15.0
"""Seconds between two lines about one stage's progress where there is no terminal."""
SHOWN_LINES = 20


class Terminal:
    """Listens to `plait.events`, as a context. Without a terminal it prints plain lines."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.counts: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self._bars: dict[str, TaskID] = {}
        self._spoke: dict[str, float] = {}
        self._lines: dict[str, deque[str]] = {}
        self._lock = threading.Lock()
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "Terminal":
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Show one event; called from the threads that stages run in, one at a time."""
        with self._lock:
            self._show(event)

    def _show(self, event: Event) -> None:
        self.counts[event.kind] += 1
        if event.kind == "note":
            self._print(escape(event.text))
        elif event.kind == "started":
            self._start(event.address)
        elif event.kind == "progress":
            self._show_progress(event)
        elif event.kind == "line":
            self._lines.setdefault(event.address, deque(maxlen=SHOWN_LINES)).append(event.text)
        else:
            self._end(event)

    def _start(self, address: str) -> None:
        self._lines.pop(address, None)
        self._began[address] = self._spoke[address] = time.monotonic()
        self._bars[address] = self._progress.add_task(escape(address), total=None, note="")
        if not self.console.is_terminal:
            self._say("…", address, "started")

    def _show_progress(self, event: Event) -> None:
        figures = event.figures or {}
        parts = [str(figures["label"]), *(f"{k} {v}" for k, v in figures["figures"].items())]
        note, total = " ".join(parts), figures["total"] or None
        bar = self._bars[event.address]
        self._progress.update(bar, total=total, completed=figures["done"], note=escape(note))
        silent = time.monotonic() - self._spoke[event.address]
        if not self.console.is_terminal and silent > LOG_SECONDS:
            self._spoke[event.address] = time.monotonic()
            self._say("…", event.address, f"{figures['done']:g}/{figures['total']:g} {note}")

    def _end(self, event: Event) -> None:
        if event.address in self._bars:
            self._progress.remove_task(self._bars.pop(event.address))
        took = f"{time.monotonic() - self._began.pop(event.address, time.monotonic()):.0f} s"
        if event.kind == "ran":
            self._say("[green]✓[/]", event.address, took)
        elif event.kind == "restored":
            self._say("[green]=[/]", event.address, "taken from DVC's cache")
        elif event.kind == "failed":
            self._say("[red]✗[/]", event.address, f"failed after {took}")
            for line in self._lines.get(event.address, []):
                self._print(f"    {escape(line)}")

    def _say(self, sign: str, address: str, text: str) -> None:
        self._print(f"{sign} {escape(address)}  [dim]{escape(text)}[/]")

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)
