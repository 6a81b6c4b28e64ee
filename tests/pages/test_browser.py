"""The report in a real Chromium: nothing missing, nothing wrong, tables that sort, readable."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page

from chromium import browser
from reports import root

__all__ = ["browser", "root"]
pytestmark = pytest.mark.browser

WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    """The report's folder on a port of this machine."""
    handler = functools.partial(Quiet, directory=str(root / "report"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
        server.shutdown()


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in SCHEMES])
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Page]:
    """The report, with every fold open; fails where a request or the console does."""
    width, scheme = request.param
    opened = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1
    )
    wrong: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda said: wrong.append(f"{said.type}: {said.text}"))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("requestfailed", lambda failed: wrong.append(f"failed: {failed.url}"))
    opened.on("request", lambda sent: asked.append(sent.url))
    opened.goto(address)
    opened.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    yield opened
    opened.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith("data:")] == [address]


def test_the_page_fits_its_width(page: Page) -> None:
    """Wide tables scroll within their own boxes, not the page."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("p.verdict").first.is_visible()
    small = page.evaluate(
        "[...document.querySelectorAll('p, td, th, li')].filter((each) => each.offsetParent)"
        ".map((each) => parseFloat(getComputedStyle(each).fontSize)).filter((size) => size < 11)"
    )
    assert small == []


def test_pictures_are_there_and_have_a_size(page: Page) -> None:
    boxes = page.evaluate(
        "[...document.querySelectorAll('svg')].map((each) => each.getBoundingClientRect())"
        ".map((box) => [box.width, box.height])"
    )
    # Two of the service, a reliability picture a candidate and task, a matrix for each intent.
    assert len(boxes) == 2 + 4 + 2
    assert all(width > 150 and height > 100 for width, height in boxes)


def test_text_stands_out_from_its_ground(page: Page) -> None:
    """WCAG's contrast of body text and page, 4.5 to 1, in light and dark."""
    colours = page.evaluate(
        "['color', 'backgroundColor'].map((name) => getComputedStyle(document.body)[name])"
    )
    ink, ground = (luminance(each) for each in colours)
    contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
    assert contrast > 4.5
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (ink > ground) == dark


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`."""
    channels = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_table_of_comparisons_sorts_both_ways_by_every_column(page: Page) -> None:
    tables = page.locator("table.sortable")
    assert tables.count() > 10
    sorted_by_number = 0
    for index in range(tables.count()):
        table = tables.nth(index)
        rows = table.locator("tbody tr").count()
        for column in range(table.locator("thead th").count()):
            head = table.locator("thead th").nth(column)
            head.evaluate("(each) => each.click()")
            up = cells(table, column)
            assert head.get_attribute("aria-sort") == "ascending"
            head.evaluate("(each) => each.click()")
            down = cells(table, column)
            assert head.get_attribute("aria-sort") == "descending"
            assert sorted(up) == sorted(down)
            assert len(up) == rows
            if all(is_number(cell) for cell in up):
                numbers = [float(cell.replace(",", "")) for cell in up]
                assert numbers == sorted(numbers)
                assert [float(c.replace(",", "")) for c in down] == sorted(numbers, reverse=True)
                sorted_by_number += len(set(numbers)) > 1
    assert sorted_by_number > 5


def cells(table: Any, column: int) -> list[str]:
    found: list[str] = table.locator(f"tbody tr td:nth-child({column + 1})").all_text_contents()
    return [text.strip() for text in found]


def is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).lstrip("+-").isdigit()
