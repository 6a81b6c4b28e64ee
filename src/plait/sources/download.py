"""Downloads over https, which resume and appear under their name only when complete."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from plait.errors import PlaitError
from plait.progress import Progress

ATTEMPTS = 4
TIMEOUT_SECONDS = 60
_CHUNK = 1 << 18
_PERMANENT = range(400, 500)


def download(url: str, target: Path, remedy: str, pause: float = 1.0) -> None:
    """Download `url`; an interrupted download resumes from `target`.partial next time.

    Args:
        remedy: the end of the error message.
        pause: seconds before the second attempt; doubles with each attempt.

    Raises:
        PlaitError: the scheme is not https, or no attempt succeeded.
    """
    _check_scheme(url)
    partial = target.with_name(target.name + ".partial")
    for attempt in range(ATTEMPTS):
        try:
            _attempt(url, partial, target.name)
            partial.replace(target)
            return
        except (OSError, HTTPException) as error:
            failure = error
            if isinstance(error, urllib.error.HTTPError) and error.code in _PERMANENT:
                partial.unlink(missing_ok=True)
                break
            time.sleep(pause * 2**attempt if attempt + 1 < ATTEMPTS else 0)
    raise PlaitError(f"{url}: download failed ({failure}). {remedy}") from failure


def _check_scheme(url: str) -> None:
    parts = urlsplit(url)
    loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if parts.scheme != "https" and not loopback:
        raise PlaitError(f"{url}: found {parts.scheme or 'no'} scheme, expected https")


def _attempt(url: str, partial: Path, label: str) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    with _response(url, have) as (response, resumed):
        start = have if resumed else 0
        total = start + int(response.headers.get("Content-Length") or 0)
        with (
            partial.open("ab" if resumed else "wb") as stream,
            Progress(total, f"download {label}", "B", scale=True) as bar,
        ):
            bar.update(start)
            while chunk := response.read1(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
        if total > partial.stat().st_size:
            raise HTTPException(f"the connection ended after {partial.stat().st_size} of {total} B")


@contextmanager
def _response(url: str, have: int) -> Iterator[tuple[HTTPResponse, bool]]:
    """The response, and whether it resumes at byte `have`."""
    headers = {"User-Agent": "plait", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (scheme is checked)
    try:
        opened = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        # No bytes are left to send, or the file has changed: start again.
        with _response(url, 0) as again:
            yield again
        return
    with opened as response:
        yield response, response.status == 206
