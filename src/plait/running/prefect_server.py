"""Find, start and stop a Prefect server on this machine; its state is in .plait/prefect.

This module doesn't import Prefect, which reads its settings at import: they are made here.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from filelock import FileLock

from plait.errors import PlaitError
from plait.files import read_json, write_json

HOST = "127.0.0.1"
PORT = 4200
PAGES = "PREFECT_SERVER_UI_STATIC_DIRECTORY"
"""The variable that names the folder from which a server shows its pages."""
START_SECONDS = 180.0
"""A server that ended is noticed at once; one that starts on a busy machine takes minutes."""


@dataclass(frozen=True)
class Server:
    """A server that answers; `pid` is None if plait did not start it."""

    api: str
    pid: int | None = None

    @property
    def ui(self) -> str:
        return self.api.removesuffix("/api")


@dataclass(frozen=True)
class Record:
    """The last server that plait started, as .plait/prefect/server.json records it."""

    api: str = ""
    pid: int = 0
    born: float = -1.0

    def lives(self) -> bool:
        """Whether that process still runs, and its number doesn't belong to a later one."""
        try:
            process = psutil.Process(self.pid)
            # One that was killed is a zombie as long as the `plait run` that started it runs.
            return process.create_time() == self.born and process.status() != "zombie"
        except psutil.Error:
            return False


def settings(folder: Path, api: str) -> dict[str, str]:
    """Environment variables for clients and server; those that the user has set win.

    `api` is what PREFECT_API_URL names, if it is set.
    """
    wanted = {
        "PREFECT_HOME": str(_home(folder)),
        PAGES: str(_home(folder) / "pages"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "60",
        "DO_NOT_TRACK": "1",
    }
    own = {name: os.environ.get(name, value) for name, value in wanted.items()}
    return {"PREFECT_API_URL": api, **own}


def ensure(folder: Path) -> Server:
    """Find or start a server, and make this process and its children use it.

    Each project has its own server, unless PREFECT_API_URL names one to share. A server that is
    started here keeps running.

    Raises:
        PlaitError: PREFECT_API_URL is no address of a server, or names another machine and nothing
            answers there, or the server doesn't start.
    """
    with FileLock(_home(folder, make=True) / "server.lock"):
        server = find(folder) or _begun_before(folder) or _start_somewhere(folder)
    os.environ.update(settings(folder, server.api))
    return server


def find(folder: Path) -> Server | None:
    """The server that a run would use now, if one answers.

    A server on port 4200 that this project didn't start is another project's, or a person's.

    Raises:
        PlaitError: PREFECT_API_URL is no address of a server.
    """
    _check_address()
    chosen = _chosen()
    if chosen:
        return Server(chosen, _pid(folder, chosen)) if _answers(chosen) else None
    record = recorded(folder)
    if record.lives() and _answers(record.api) and _same_release(record.api):
        return Server(record.api, record.pid)
    return None


def _begun_before(folder: Path) -> Server | None:
    """The server that a killed plait had started, once it answers; None if there is none."""
    record = recorded(folder)
    if not record.lives() or _chosen() not in ("", record.api):
        return None
    if _answers(record.api):  # of another release of Prefect's
        stop(folder)
        return None
    _wait(record, _home(folder) / "server.log")
    return Server(record.api, record.pid)


def _start_somewhere(folder: Path) -> Server:
    """Start a server; on a free port, if another project's takes 4200 at the same time."""
    try:
        return start(folder, _port())
    except PlaitError:
        if _chosen() or _is_free(PORT):
            raise
        return start(folder, _free_port())


def _chosen() -> str:
    return os.environ.get("PREFECT_API_URL", "").rstrip("/")


def _check_address() -> None:
    chosen = _chosen()
    address = urlsplit(chosen)
    if chosen and not (
        address.scheme in ("http", "https") and address.hostname and "/api/" in f"{address.path}/"
    ):
        raise PlaitError(
            f"PREFECT_API_URL: found {chosen!r}, expected the address of a Prefect server with "
            f"/api at its end, such as http://{HOST}:{PORT}/api."
        )


def is_ours(folder: Path, api: str) -> bool:
    """Whether the server there is the one that plait started for this project, and it runs."""
    return _pid(folder, api) is not None


def start(folder: Path, port: int) -> Server:
    """Start a server on `port` of the loopback interface, in the background."""
    api, log = _api(port), _home(folder, make=True) / "server.log"
    ours = {**settings(folder, api), "PREFECT_SERVER_UI_API_URL": api}
    command = [sys.executable, "-P", "-m", "prefect", "server", "start"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env={**os.environ, **ours},
            start_new_session=True,
        )
    record = Record(api, process.pid, psutil.Process(process.pid).create_time())
    write_json(_home(folder) / "server.json", asdict(record))  # now: this process may be killed
    _wait(record, log)
    return Server(api, process.pid)


def stop(folder: Path) -> Server | None:
    """Stop the server that plait started for this project; None if there is none."""
    record = recorded(folder)
    (_home(folder) / "server.json").unlink(missing_ok=True)
    if not record.lives():
        return None
    leader = psutil.Process(record.pid)
    family = [leader, *leader.children(recursive=True)]
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=10)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    return Server(record.api, record.pid)


def _home(folder: Path, make: bool = False) -> Path:
    home = folder / ".plait" / "prefect"
    if make:
        home.mkdir(parents=True, exist_ok=True)
    return home


def _api(port: int) -> str:
    return f"http://{HOST}:{port}/api"


def _port() -> int:
    """The port that PREFECT_API_URL names, 4200, or any free one."""
    chosen = _chosen()
    if not chosen:
        return PORT if _is_free(PORT) else _free_port()
    address = urlsplit(chosen)
    if address.hostname not in (HOST, "localhost"):
        raise PlaitError(
            f"PREFECT_API_URL: found {chosen}, where no server answers. Start that server, or "
            "unset the variable: plait then starts one on this machine."
        )
    return address.port or PORT


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, port)


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((HOST, port))
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _get(url: str) -> str | None:
    try:
        answer = httpx.get(url, timeout=2, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return answer.text.strip() if answer.is_success else None


def _answers(api: str) -> bool:
    return _get(f"{api}/health") == "true"


def _same_release(api: str) -> bool:
    """Whether the server is compatible: its release differs in the last number at most."""
    theirs = (_get(f"{api}/admin/version") or "").strip('"')
    return theirs.split(".")[:2] == version("prefect").split(".")[:2]


def _wait(record: Record, log: Path) -> None:
    began = time.monotonic()
    while not (_answers(record.api) and _listens(record)):
        waited = time.monotonic() - began
        if record.lives() and waited < START_SECONDS:
            time.sleep(0.1)
            continue
        what = f"was ended after {waited:.0f} s without an answer" if record.lives() else "ended"
        with suppress(ProcessLookupError):
            os.killpg(record.pid, signal.SIGKILL)
        said = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
        raise PlaitError(
            f"the Prefect server didn't start: plait waited for {record.api}/health, and its "
            f"process {what}. If the machine is busy, try again later; `plait server start --port` "
            f"takes another port. The end of its log ({log}):\n{said or '(empty)'}"
        )


def _listens(record: Record) -> bool:
    """Whether it is this server that answers, not one that took the port at the same time."""
    port, listening = urlsplit(record.api).port, False
    with suppress(psutil.Error):
        leader = psutil.Process(record.pid)
        for process in [leader, *leader.children(recursive=True)]:
            found = process.net_connections("tcp")
            listening |= any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in found)
    return listening


def recorded(folder: Path) -> Record:
    """The last server that plait started for this project; an empty record if there is none."""
    try:
        return Record(**read_json(_home(folder) / "server.json"))
    except (OSError, ValueError, TypeError):
        return Record()


def _pid(folder: Path, api: str) -> int | None:
    record = recorded(folder)
    same = record.api == api.replace("//localhost:", f"//{HOST}:")
    return record.pid if same and record.lives() else None
