"""A run's page on a real Prefect server, in a real Chromium: what a person finds there.

`PLAIT_SCREENSHOT=docs/images/run.png pytest -m browser tests/pages/test_run_page.py` takes the
picture that README.md shows.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

import flow_runs
import projects
from chromium import browser

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

SECONDS = 30
STAGES = ("train@minilm-intent+slots", "benchmark@tfidf-slots", "timing@tfidf-intent", "promote")
SCREENSHOT = "PLAIT_SCREENSHOT"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a run of the smoke experiment."""
    folder = projects.working_tree(tmp_path_factory.mktemp("run") / "project", "smoke")
    api = flow_runs.free_api()
    with flow_runs.server(folder, api) as client:
        done = flow_runs.run(folder, flow_runs.environment(api))
        assert done.returncode == 0, done.stderr
        run = flow_runs.newest(client)
        yield f"{api.removesuffix('/api')}/runs/flow-run/{run.id}"


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    """The run's page; fails where it asks another machine for something."""
    asked: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 980})
    context.on("request", lambda sent: asked.append(sent.url))
    opened = context.new_page()
    opened.set_default_timeout(1000 * SECONDS)
    expect.set_options(timeout=1000 * SECONDS)
    opened.goto(address)
    yield opened
    context.close()
    host = address.split("/runs/")[0]
    assert [url for url in asked if not url.startswith((f"{host}/", "data:", "blob:"))] == []


def choose(page: Page, tab: str) -> None:
    page.get_by_text(tab, exact=True).first.click()


def open_artifact(page: Page, name: str) -> None:
    choose(page, "Artifacts")
    page.locator("a[href*='/artifacts/artifact/']", has_text=name).first.click()
    page.wait_for_url("**/artifacts/artifact/**")


def test_the_run_is_named_by_experiment_data_and_what_ran(page: Page) -> None:
    name = re.compile(r"^smoke · data [0-9a-f]{4} · (\d+) of \1 stages ran$")
    expect(page.get_by_text(name).first).to_be_visible()
    expect(page.get_by_text("service:assistant").first).to_be_visible()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()


def test_task_runs_have_the_names_of_their_stages(page: Page) -> None:
    choose(page, "Task Runs")
    for stage in STAGES:
        expect(page.get_by_role("link", name=stage, exact=True).first).to_be_visible()
    names = page.locator("a[href*='/runs/task-run/']").all_inner_texts()
    assert set(STAGES) <= {name.strip() for name in names}
    assert not [name for name in names if "/" in name or "dvc.yaml" in name]


def test_the_curves_of_a_training_are_a_picture(page: Page) -> None:
    open_artifact(page, "Curves of train@minilm-intent+slots")
    picture = page.locator("img[src^='data:image/svg']")
    expect(picture).to_be_visible()
    size = picture.evaluate("(each) => [each.naturalWidth, each.naturalHeight]")
    assert all(side > 100 for side in size)


def test_validation_says_what_it_found(page: Page) -> None:
    open_artifact(page, "Summary of validate")
    expect(page.get_by_text(re.compile(r"Passed with \d+ warnings, of \d+ checks"))).to_be_visible()


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Benchmark", ("floor (wins)", "accuracy")),
        ("Promotion", ("home, failed critical checks", "pass")),
    ],
)
def test_benchmark_and_decision_are_tables(page: Page, name: str, cells: tuple[str, str]) -> None:
    open_artifact(page, name)
    for cell in cells:
        expect(page.locator("th, td").filter(has_text=cell).first).to_be_visible()


def test_the_report_opens_from_the_run_and_may_ask_nothing_of_the_server(page: Page) -> None:
    open_artifact(page, "Report, one page")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    report = opened.value
    expect(report.locator("p.verdict").first).to_contain_text("plan floor")
    assert report.locator("svg").count() > 2
    report.locator("table.sortable th").first.click()
    expect(report.locator("table.sortable th").first).to_have_attribute("aria-sort", "ascending")
    assert (
        report.evaluate("fetch('/api/health').then(() => 'answered', () => 'refused')") == "refused"
    )


@pytest.mark.skipif(SCREENSHOT not in os.environ, reason=f"{SCREENSHOT} names no file")
def test_a_picture_of_the_page_is_taken(page: Page) -> None:
    choose(page, "Artifacts")
    expect(page.get_by_text("Report, one page")).to_be_visible()
    page.wait_for_timeout(3000)  # the graph is drawn on a canvas, where no text is found
    path = projects.REPOSITORY / os.environ[SCREENSHOT]
    path.parent.mkdir(exist_ok=True)
    page.screenshot(path=path)
    assert path.stat().st_size < 300_000
