"""The chat endpoint: a real server with a tiny model, and servers that fail in known ways."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from conftest import INTENT, SLOTS, candidate, home_rows
from plait.approaches.loading import approach
from plait.approaches.prompt.endpoint import Endpoint
from plait.errors import PlaitError
from plait.files import write_json
from plait.tasks import LabelPrediction, read_rows
from threads import Unhurried

TEXTS = [row.text for row in home_rows(3)]


@pytest.fixture(scope="module")
def served(tiny_decoder: Path) -> Iterator[tuple[str, str]]:
    """`transformers serve` with the tiny decoder: its address, and the model's name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(tiny_decoder)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_healthy(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1", str(tiny_decoder)
    finally:
        process.terminate()
        process.wait(30)


def _until_healthy(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


@pytest.mark.services
def test_a_real_server_is_asked_and_its_tokens_counted(
    served: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, name = served
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-the-test")
    backbone = tmp_path / "backbone"
    write_json(backbone / "backbone.json", {"kind": "endpoint", "model": name})
    made = candidate(INTENT, SLOTS, approach="prompt", options={"shots": 2})
    model = approach("prompt").train(
        made, backbone, {"home": home_rows(12)}, {"home": []}, tmp_path
    )
    answers = model.predict(TEXTS)
    assert [isinstance(answer, LabelPrediction) for answer in answers["intent"]] == [True] * 3
    counts = model.remarks()
    assert counts["answers"] == 3
    assert counts["prompt_tokens"] > 100
    assert counts["completion_tokens"] > 0
    (tmp_path / "bundle").mkdir()
    model.save(tmp_path / "bundle")
    assert sorted(p.name for p in (tmp_path / "bundle").iterdir()) == [
        "examples.jsonl",
        "prompt.json",
    ]
    assert len(read_rows(tmp_path / "bundle/examples.jsonl")) == 2
    assert "secret" not in (tmp_path / "bundle/prompt.json").read_text()
    again = approach("prompt").load(tmp_path / "bundle", made.tasks)
    assert again.predict(TEXTS)["slots"] == answers["slots"]


@contextmanager
def failing(status: int, body: bytes, wait: float = 0.0) -> Iterator[list[str]]:
    """A server that answers every request so; yields its address and the requests' paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            time.sleep(wait)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["OPENAI_BASE_URL"] = f"http://127.0.0.1:{server.server_port}/v1"
    os.environ["OPENAI_API_KEY"] = "secret-of-the-test"
    try:
        yield asked
    finally:
        server.shutdown()
        del os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"]


def endpoint(retries: int = 1, seconds: float = 5.0) -> Endpoint:
    return Endpoint("some-model", (INTENT, SLOTS), True, retries=retries, seconds=seconds)


def completion(content: str | None, usage: Mapping[str, int] | None = None) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    found = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**found, "choices": [choice], "usage": usage}).encode()


def test_an_endpoint_that_times_out_is_tried_again_then_named() -> None:
    with failing(200, completion("turn_on"), wait=1.5) as asked:
        with pytest.raises(
            PlaitError, match=r"127\.0\.0\.1.*some-model.*Timeout.*1 retries"
        ) as told:
            endpoint(seconds=0.3).answers(TEXTS[:1], 1)
        assert len(asked) == 2
        assert "secret" not in str(told.value)


def test_an_endpoint_that_fails_is_tried_again_then_named() -> None:
    with failing(500, b"{}") as asked:
        with pytest.raises(PlaitError, match=r"found InternalServerError.*Check OPENAI_BASE_URL"):
            endpoint().answers(TEXTS[:1], 1)
        assert len(asked) == 2


def test_a_refused_key_is_not_tried_again() -> None:
    with failing(401, b'{"error": {"message": "no such key"}}') as asked:
        with pytest.raises(PlaitError, match=r"AuthenticationError.*no such key"):
            endpoint().answers(TEXTS[:1], 1)
        assert len(asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"choices": []}', b"[1, 2]", b'"hello"'])
def test_what_is_no_completion_is_refused(body: bytes) -> None:
    with failing(200, body), pytest.raises(PlaitError, match="expected a chat completion"):
        endpoint(retries=0).answers(TEXTS[:1], 1)


@pytest.mark.parametrize("content", ["", None, "I'd be happy to help!", "turn_on\nroom: nowhere"])
def test_an_answer_that_is_garbage_is_counted_as_invalid(content: str | None) -> None:
    with failing(200, completion(content)):
        asking = endpoint()
        answers = asking.answers(TEXTS, 4)
    assert asking.given["answers"] == asking.given["invalid"] == 3
    assert [len(spans) for spans in answers["slots"] if isinstance(spans, tuple)] == [0, 0, 0]


def test_counts_of_many_requests_at_once_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_ENDPOINT_CONCURRENCY", "16")
    asking = endpoint()
    asking.given = Unhurried()
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    with failing(200, completion("turn_on\n", usage)):
        asking.answers(["turn on the hall"] * 160, 16)
    assert dict(asking.given) == {
        "answers": 160,
        "invalid": 0,
        "prompt_tokens": 1120,
        "completion_tokens": 320,
    }


@pytest.mark.parametrize("value", ["abc", "0", "-1", "2.5", "9" * 5000])
def test_a_wrong_number_of_requests_at_once_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-the-test")
    monkeypatch.setenv("PLAIT_ENDPOINT_CONCURRENCY", value)
    message = f"PLAIT_ENDPOINT_CONCURRENCY: found '{value}', expected a whole number from 1. Corre"
    with pytest.raises(PlaitError, match=message):
        endpoint().answers(TEXTS, 4)


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(PlaitError, match="OPENAI_API_KEY is not set"):
        endpoint().answers(TEXTS, 4)


def test_nearest_examples_need_a_decoder() -> None:
    with pytest.raises(PlaitError, match="'nearest' needs a decoder's vectors"):
        endpoint().embed(TEXTS)
