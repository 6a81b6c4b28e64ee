"""The page at `/` in a real Chromium: it asks, shows the answer, and texts stay texts."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page

from chromium import browser
from serving import TEXT, Running, serving

__all__ = ["browser"]
pytestmark = pytest.mark.browser

TOKEN = "0123456789abcdef-token"  # noqa: S105
EVIL = "<img src=x onerror=\"document.title='taken'\">"


def opened(browser: Any, running: Running) -> tuple[Page, list[str]]:
    """The page, and what it complained of."""
    page = browser.new_page(viewport={"width": 400, "height": 900})
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((running.url, "data:")) else wrong.append(sent.url)
        ),
    )
    page.goto(running.url)
    return page, wrong


def ask(page: Page, text: str) -> str:
    page.fill("#text", text)
    with page.expect_response("**/v1/predict"):
        page.click("button")
    page.wait_for_selector("#answer > *")
    return page.inner_text("#answer")


def test_a_text_is_answered_and_shown(browser: Any, project: Path) -> None:
    with serving(project) as running:
        page, wrong = opened(browser, running)
        shown = ask(page, TEXT)
        for expected in ("intent", "HassTurnOn", "slots", "living room", "record 2 (production)"):
            assert expected in shown
        assert not page.is_visible("#token")
        shown = ask(page, f"turn on the {EVIL} in the {EVIL}")
        page.wait_for_timeout(200)
        assert page.title() == "plait"
        assert page.locator("#answer img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert wrong == []
        refused = ask(page, "\u200b")
        assert "found no visible character" in refused
        page.close()


def test_the_page_asks_for_the_token(browser: Any, project: Path) -> None:
    with serving(project, token=TOKEN) as running:
        page, _ = opened(browser, running)
        assert "brings no valid token" in ask(page, TEXT)
        page.wait_for_selector("#token", state="visible")
        page.fill("#token", TOKEN)
        page.click("button")
        page.wait_for_selector("#answer table")
        assert "HassTurnOn" in page.inner_text("#answer")
        page.close()
