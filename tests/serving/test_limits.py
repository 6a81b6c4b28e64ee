"""What one client may ask of `plait serve`: a queue, times, connections; and who may come in."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from plait.errors import PlaitError
from plait.serving.server import bind, find_token
from serving import TEXT, Running, received, serving

TOKEN = "0123456789abcdef-token"  # noqa: S105
WIDE = "0.0.0.0"  # noqa: S104
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def slow(project: Path) -> Iterator[Running]:
    """A server whose batches take a second, with small limits."""
    limits = (
        "--max-queue", "4", "--batch-size", "4", "--timeout", "2.5", "--read-timeout", "0.8",
        "--max-connections", "8",
    )  # fmt: skip
    with serving(project, *limits, slow=1.0) as running:
        yield running


def statuses(running: Running, requests: int, gap: float = 0.0) -> list[httpx.Response]:
    """Responses to requests that are sent side by side."""

    def ask(number: int) -> httpx.Response:
        time.sleep(number * gap)
        return running.ask({"text": f"{TEXT} {number}"})

    with ThreadPoolExecutor(requests) as pool:
        return list(pool.map(ask, range(requests)))


def test_a_full_queue_tells_when_to_come_again(slow: Running) -> None:
    found = statuses(slow, 7, gap=0.02)
    assert sorted(each.status_code for each in found) == [200] * 5 + [429] * 2
    refused = next(each for each in found if each.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    error = refused.json()["error"]
    assert error["type"] == "queue_full"
    assert error["message"] == "4 texts wait already; 1 more would exceed 4."


def test_an_answer_that_takes_too_long_is_given_up(slow: Running) -> None:
    found = slow.ask({"texts": [TEXT] * 12})
    assert found.status_code == 504
    assert found.json()["error"]["message"] == "No answer within 2.5 s."
    assert slow.metric("plait_queue_texts") == 0
    assert slow.ask({"text": TEXT}).status_code == 200


def test_the_loop_answers_while_a_model_works(slow: Running) -> None:
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(slow.ask, {"text": TEXT})
        time.sleep(0.2)
        began = time.monotonic()
        assert slow.get("/health/live").status_code == 200
        assert time.monotonic() - began < 0.5
        assert not working.done()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /health/live HTTP/1.1\r\nHost: loc", b"\r\n"],
    ids=["nothing", "half a head", "an empty line"],
)
def test_headers_that_don_t_come_are_cut_off(slow: Running, sent: bytes) -> None:
    with slow.connect() as connection:
        connection.sendall(sent)
        began = time.monotonic()
        head, _, body = received(connection).partition(b"\r\n\r\n")
        assert 0.6 < time.monotonic() - began < 3
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(body)["error"]["type"] == "slow_headers"


def test_headers_that_drip_are_cut_off(slow: Running) -> None:
    """A byte now and then (Slowloris) keeps no connection open."""
    with slow.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        began = time.monotonic()
        assert drip(connection, b"X-A: b\r\n") < 3
        assert time.monotonic() - began < 3


def drip(connection: socket.socket, part: bytes) -> float:
    """Seconds until the other side has had enough."""
    began = time.monotonic()
    while time.monotonic() - began < 10:
        try:
            connection.sendall(part)
            connection.settimeout(0.2)
            if not connection.recv(1 << 16):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize("path", ["/v1/predict", "/health/live"])
def test_a_body_that_drips_is_cut_off(slow: Running, path: str) -> None:
    head = HEAD.replace(b"/v1/predict", path.encode()) + b"Content-Length: 1000\r\n\r\n"
    with slow.connect() as connection:
        connection.sendall(head)
        assert drip(connection, b" ") < 5


def test_a_body_that_stops_is_a_timeout(slow: Running) -> None:
    with slow.connect() as connection:
        connection.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"text":')
        head, _, body = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"]["message"] == "The body was not complete within 0.8 s."


def test_a_slow_connection_that_has_answered_before_is_cut_off_too(slow: Running) -> None:
    with slow.connect() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(1 << 16)
        time.sleep(1.2)  # idle is allowed, for longer
        connection.sendall(b"GET /health/live HTTP/1.1\r\n")
        assert b"HTTP/1.1 408 " in received(connection)


def test_headers_have_a_length(slow: Running) -> None:
    with slow.connect() as connection:
        connection.sendall(HEAD + b"X-Long: " + b"a" * 20_000)
        head, _, body = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["error"]["type"] == "headers_too_long"


@pytest.mark.parametrize(
    "sent", [b"lights on\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_is_refused(slow: Running, sent: bytes) -> None:
    with slow.connect() as connection:
        connection.sendall(sent)
        head, _, body = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["type"] == "no_http"


def test_connections_have_a_number(slow: Running) -> None:
    held = [slow.connect() for _ in range(8)]
    try:
        with slow.connect() as one_more:
            head, _, body = received(one_more).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["error"]["type"] == "too_many_connections"
    finally:
        for each in held:
            each.close()
    time.sleep(0.2)
    assert slow.get("/health/live").status_code == 200


def test_a_token_opens_everything_and_its_absence_nothing(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with serving(project, "--token-file", str(file)) as running:
        for headers in ({}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}):
            found = running.ask({"text": TEXT}, **headers)
            assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")
            assert found.json()["error"]["type"] == "no_token"
            for path in ("/v1/service", "/metrics", "/openapi.json", "/nothing"):
                assert running.get(path, **headers).status_code == 401
        right = {"Authorization": f"bearer {TOKEN}"}
        assert running.ask({"text": TEXT}, **right).status_code == 200
        for path in ("/v1/service", "/metrics", "/openapi.json"):
            assert running.get(path, **right).status_code == 200
        for path in ("/health/live", "/health/ready", "/"):
            assert running.get(path).status_code == 200
        assert running.stop() == 0
        assert TOKEN not in running.log_file.read_text()


def test_a_wide_address_needs_a_token() -> None:
    with pytest.raises(PlaitError, match=r"--host 0\.0\.0\.0: others reach this address"):
        bind(WIDE, 0, None)
    with pytest.raises(PlaitError, match=r"--host ::: others reach this address"):
        bind("::", 0, None)
    bind(WIDE, 0, TOKEN).close()
    with bind("localhost", 0, None) as found:
        # asyncio turns Nagle's delay off for this protocol alone: 40 ms an answer.
        assert found.proto == socket.IPPROTO_TCP


def test_the_command_refuses_a_wide_address(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plait.cli", "serve", "--host", WIDE, "--port", "0"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Set $PLAIT_TOKEN or --token-file, or leave --host out." in done.stderr
    assert done.stdout == ""


def test_an_address_that_can_t_be_used_is_named() -> None:
    with bind("127.0.0.1", 0, None) as found:
        found.listen()
        port = found.getsockname()[1]
        with pytest.raises(PlaitError, match=f"--port {port}: the address can't be used"):
            bind("127.0.0.1", port, None)
    with pytest.raises(PlaitError, match=r"--host no\.such\.host: no address of this machine"):
        bind("no.such.host", 0, None)


@pytest.mark.parametrize(
    "token", ["short", "spaces in between 1234", "zw\u00f6lf-und-mehr-zeichen"]
)
def test_a_bad_token_is_refused(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_TOKEN", token)
    with pytest.raises(PlaitError, match=r"\$PLAIT_TOKEN: found a token of") as error:
        find_token(None)
    assert token not in str(error.value)
    (tmp_path / "token").write_text(token)
    with pytest.raises(PlaitError, match=re.escape(f"--token-file {tmp_path / 'token'}: ")):
        find_token(tmp_path / "token")


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaitError, match="the token can't be read"):
        find_token(tmp_path / "none")
