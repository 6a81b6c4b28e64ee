"""The report beside the Prefect pages: on the project's own server alone, and not for ever."""

import os
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from plait.files import write_json
from plait.running import prefect_server, report_link

API = "http://127.0.0.1:4999/api"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages of a server that the project started; it runs as long as this process."""
    home = tmp_path / ".plait/prefect"
    (home / "pages/v1").mkdir(parents=True)
    born = psutil.Process().create_time()
    write_json(home / "server.json", asdict(prefect_server.Record(API, os.getpid(), born)))
    for name, value in prefect_server.settings(tmp_path, API).items():
        monkeypatch.setenv(name, value)
    return home / "pages/v1"


def report(folder: Path, text: str) -> Path:
    path = folder / "index.html"
    path.write_text(f"<!doctype html>\n<html>\n<head>\n</head>\n{text}", encoding="utf-8")
    return path


def test_a_copy_lies_among_the_pages_and_may_load_nothing(pages: Path, tmp_path: Path) -> None:
    link = report_link.publish(report(tmp_path, "one"))
    assert link is not None
    copied = (pages / link.lstrip("/")).read_text(encoding="utf-8")
    assert copied.endswith("one")
    assert "default-src 'none'" in copied
    assert report_link.publish(report(tmp_path, "one")) == link
    assert report_link.publish(report(tmp_path, "two")) != link


def test_only_the_projects_own_server_shows_it(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = report(tmp_path, "one")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4998/api")
    assert report_link.publish(page) is None
    monkeypatch.delenv(prefect_server.PAGES)
    monkeypatch.setenv("PREFECT_API_URL", API)
    assert report_link.publish(page) is None
    assert list(pages.iterdir()) == []


def test_old_reports_go(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_link, "KEPT", 2)
    links = [report_link.publish(report(tmp_path, str(number))) for number in range(4)]
    left = {f"/reports/{path.name}" for path in (pages / "reports").iterdir()}
    assert left == set(links[2:])
