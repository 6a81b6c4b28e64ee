"""A small experiment whose report stage has run: `root` and `page` are fixtures."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

import production
import small
from plait.benchmark.latency import bytes_on_disk, measure, tokens_in
from plait.benchmark.request_latency import time_plans
from plait.bundle import load
from plait.files import read_json, read_jsonl, write_json
from plait.report.results import Measured
from plait.running import durations
from plait.stages.report import main as report_stage

ASSISTANT = {**production.PARAMS["services"]["assistant"], "floor": "one-per-task"}
PARAMS: dict[str, Any] = {**production.PARAMS, "services": {"assistant": ASSISTANT}}
CHECKS = [
    {"dataset": "home", "rule": "exact_duplicates", "severity": "warning", "passed": False,
     "count": 3, "sentence": "3 of 60 train rows are <duplicates>."},
    {"dataset": "home", "rule": "empty_text", "severity": "critical", "passed": True, "count": 0},
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose report stage has run on three trained candidates."""
    folder = tmp_path_factory.mktemp("project")
    production.measure(folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    write_json(folder / "validation/report.json", {"results": CHECKS})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        time_everything()
        durations.record(durations.LEDGER, "train@tfidf-intent+slots", 12.5)
        report_stage()
    return folder


def time_everything() -> None:
    """What the timing and request stages write, measured in less time."""
    texts = [row.text for row in small.rows(1, 4)]
    models = {}
    for name in small.CANDIDATES:
        folder = Path("models", name)
        _, models[name] = load(folder)
        timing = {
            **measure(models[name], {"home": texts}, 0.1),
            "bytes": bytes_on_disk(folder),
            "tokens_in": {"home": tokens_in(folder, texts, 32)},
        }
        write_json(Path("timings/measured", f"{name}.json"), timing)
    plans = {
        plan: [models[name] for name in names]
        for plan, names in PARAMS["services"]["assistant"]["plans"].items()
    }
    write_json(Path("timings/requests/assistant.json"), time_plans(plans, texts, 0.5))


class Page(HTMLParser):
    """What a page refers to, its words, and its tables as lists of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}
        self.references += [value or "" for name, value in attrs if name in wanted]
        if tag not in {"meta", "link", "br", "rect", "path", "use"}:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.words += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def page(root: Path) -> Page:
    return Page((root / "report/index.html").read_text(encoding="utf-8"))


def measured(root: Path, name: str) -> Measured:
    return Measured(
        read_json(root / f"scores/{name}.json"),
        read_json(root / f"predictions/{name}/details.json"),
        {"home": list(read_jsonl(root / f"predictions/{name}/home.jsonl"))},
        read_json(root / f"predictions/{name}/mistakes.json"),
        read_json(root / f"timings/measured/{name}.json"),
    )
