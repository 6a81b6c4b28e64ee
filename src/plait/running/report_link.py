"""The report beside the Prefect pages, on the same server, so that a link of a run opens it.

A browser opens no `file://` link of a page that came over http, and a second server for one page
would have to be started, found and ended. Prefect's server shows its pages from a folder of this
project, and any other file that lies there.
"""

import hashlib
import os
from pathlib import Path

from plait.files import atomic_write
from plait.running import prefect_server

FOLDER = "reports"
KEPT = 100
"""Reports that stay: the run pages of older ones keep their tables, not the link."""
# The pages' API does whatever a script of its own address asks; the report's may ask nothing.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_META = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'


def publish(report: Path) -> str | None:
    """Copy a self-contained page to the server of this run.

    Returns:
        Its address on that server, without host and port: these may differ at the next start. None
        if the server isn't one that plait has started on this machine.
    """
    pages = _pages()
    if pages is None or not report.is_file():
        return None
    page = report.read_text(encoding="utf-8").replace("<head>", f"<head>\n{_META}", 1)
    content = page.encode()
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.html"
    with atomic_write(pages / FOLDER / name) as stream:
        stream.write(content)
    _forget_old(pages / FOLDER)
    return f"/{FOLDER}/{name}"


def _pages() -> Path | None:
    """The folder of the pages of this run's server, also where the run works in a worktree."""
    pages = Path(os.environ.get(prefect_server.PAGES, "")).resolve()
    project = pages.joinpath("../../..").resolve()  # pages: PROJECT/.plait/prefect/pages
    ours = prefect_server.is_ours(project, os.environ.get("PREFECT_API_URL", ""))
    return pages / "v1" if ours and (pages / "v1").is_dir() else None


def _forget_old(folder: Path) -> None:
    by_age = sorted(folder.glob("*.html"), key=lambda path: path.stat().st_mtime)
    for path in by_age[:-KEPT]:
        path.unlink(missing_ok=True)
