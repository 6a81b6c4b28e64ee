"""`plait serve`: what it answers, what it refuses and how, what it shows of itself."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import small
from plait.registry.packages import pack
from plait.registry.store import Registry
from plait.serving.service import Service
from serving import TEXT, Running, received, serving


@pytest.fixture(scope="module")
def served(project: Path) -> Iterator[Running]:
    limits = ("--max-texts", "40", "--max-characters", "200", "--max-body-bytes", "5000")
    with serving(project, *limits) as running:
        yield running


def test_it_answers_as_the_service_does(served: Running, project: Path) -> None:
    texts = [row.text for row in small.rows(3, 4)]
    expected = [reply.as_json(3) for reply in Service.load(root=project).answer(texts)]
    found = served.ask({"texts": texts, "top": 3})
    assert found.status_code == 200
    who = {"service": "assistant", "record": 2, "stage": "production"}
    assert found.json() == {**who, "replies": expected}
    alone = served.ask({"text": texts[0]}).json()["replies"]
    assert alone == [reply.as_json() for reply in Service.load(root=project).answer(texts[:1])]


def test_any_character_is_answered(served: Running) -> None:
    text = "l\u00edchts \0 \U0001f4a1 \u200b on"
    assert served.ask({"text": text}).json()["replies"][0]["text"] == text


REFUSED: list[tuple[bytes, int, str, str]] = [
    (b"", 400, "no_json", "The body is no JSON in UTF-8: EOF while parsing"),
    (b"lights on", 400, "no_json", "expected value at line 1 column 1"),
    ('{"text": "gr\u00fcn"}'.encode("latin-1"), 400, "no_json", "invalid unicode code point"),
    (rb'{"text": "a \ud800 b"}', 400, "no_json", "hex escape"),
    (b"[" * 4000, 400, "no_json", "recursion limit"),
    (b"null", 422, "wrong_fields", "the body: Input should be an object"),
    (b'["lights on"]', 422, "wrong_fields", "the body: Input should be an object"),
    (b"{}", 422, "wrong_fields", "expected exactly one of 'text' and 'texts'"),
    (b'{"text": "a", "texts": ["b"]}', 422, "wrong_fields", "expected exactly one of"),
    (b'{"text": 3}', 422, "wrong_fields", "text: Input should be a valid string"),
    (b'{"texts": "a"}', 422, "wrong_fields", "texts: Input should be a valid array"),
    (b'{"texts": []}', 422, "wrong_fields", "texts: List should have at least 1 item"),
    (b'{"texts": ["a", null]}', 422, "wrong_fields", "texts.1: Input should be a valid string"),
    (b'{"text": "a", "top": 0}', 422, "wrong_fields", "top: Input should be greater than or"),
    (b'{"text": "a", "top": 1e9}', 422, "wrong_fields", "top: Input should be less than or"),
    (b'{"text": "a", "top": 1.5}', 422, "wrong_fields", "top: Input should be a valid integer"),
    (b'{"text": "a", "top": "3"}', 422, "wrong_fields", "top: Input should be a valid integer"),
    (b'{"text": "a", "top": true}', 422, "wrong_fields", "top: Input should be a valid integer"),
    (b'{"text": 1, "txet": "a"}', 422, "wrong_fields", "txet: Extra inputs are not permitted"),
    (b'{"text": ""}', 422, "wrong_fields", "text: String should have at least 1 character"),
    (b'{"text": " \\u200b "}', 422, "blank_text", "text: found no visible character"),
    (b'{"texts": ["a", "\\t"]}', 422, "blank_text", "texts.1: found no visible character"),
    (b'{"text": "%s"}' % (b"a" * 201), 413, "text_too_long", "text: found 201 characters"),
    (b'{"texts": [%s]}' % b",".join([b'"a"'] * 41), 413, "too_many_texts", "found 41, expected"),
    (b'{"text": "%s"}' % (b"a" * 5000), 413, "body_too_large", "more than 5000 bytes"),
]


@pytest.mark.parametrize(("body", "status", "kind", "message"), REFUSED)
def test_bad_input_is_refused_with_what_was_wrong(
    served: Running, body: bytes, status: int, kind: str, message: str
) -> None:
    headers = {"Content-Type": "application/json"}
    found = httpx.post(f"{served.url}/v1/predict", content=body, headers=headers)
    check_problem(found, status, kind, message)


def check_problem(found: httpx.Response, status: int, kind: str, message: str) -> None:
    assert (found.status_code, found.headers["content-type"]) == (status, "application/json")
    error = found.json()["error"]
    assert list(error) == ["type", "message", "remedy", "request_id"]
    assert error["type"] == kind
    assert message in error["message"]
    assert error["remedy"]
    assert error["request_id"] == found.headers["x-request-id"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_body_must_be_called_json(served: Running, headers: dict[str, str]) -> None:
    """A page of another site can send any other type without asking."""
    found = httpx.post(f"{served.url}/v1/predict", content=b'{"text": "a"}', headers=headers)
    check_problem(found, 415, "no_json_type", "something else than JSON")


def test_a_body_without_a_length_has_the_same_limit(served: Running) -> None:
    def parts(count: int) -> Iterator[bytes]:
        yield b'{"text": "lights on"'
        yield from [b" " * 1000] * count
        yield b"}"

    headers = {"Content-Type": "application/json"}
    for count, status in ((3, 200), (30, 413), (1000, 413)):
        found = httpx.post(f"{served.url}/v1/predict", content=parts(count), headers=headers)
        assert found.status_code == status


def test_a_client_that_asks_first_needn_t_send_a_large_body(served: Running) -> None:
    head = (
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    )
    with served.connect() as connection:
        connection.sendall(head)
        assert received(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/predict", 405, "method_not_allowed"),
        ("DELETE", "/metrics", 405, "method_not_allowed"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/%00/../etc", 404, "not_found"),
    ],
)
def test_unknown_paths_and_methods(
    served: Running, method: str, path: str, status: int, kind: str
) -> None:
    check_problem(httpx.request(method, served.url + path), status, kind, "")


def test_a_request_keeps_its_name_if_it_is_a_sane_one(served: Running) -> None:
    assert served.get("/health/live", **{"X-Request-ID": "a-1.B_2"}).headers["x-request-id"] == (
        "a-1.B_2"
    )
    for odd in ("a b", "x" * 65, '"'):
        name = served.get("/health/live", **{"X-Request-ID": odd}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{16}", name)


def test_a_name_that_was_made_to_lead_here_is_refused(served: Running) -> None:
    """DNS rebinding: a foreign page's own name resolves to this machine."""
    for host in ("evil.example", "evil.example:8000", "", "127.0.0.1.evil.example"):
        found = served.get("/health/live", Host=host)
        check_problem(found, 421, "foreign_host", "expected 127.0.0.1 or [::1] or localhost")
    for host in ("localhost:1", "LOCALHOST", "[::1]:8000"):
        assert served.get("/health/live", Host=host).status_code == 200


def test_health_and_what_is_served(served: Running) -> None:
    assert served.get("/health/live").json() == {"status": "live"}
    who = {"service": "assistant", "record": 2, "stage": "production"}
    assert served.get("/health/ready").json() == {"status": "ready", **who, "refused": None}
    found = served.get("/v1/service").json()
    assert found["plan"] == "consolidated"
    assert found["tasks"]["slots"] == {
        "kind": "tagging",
        "labels": ["area", "name"],
        "candidate": "tfidf-intent+slots",
    }
    assert {name: found[name] for name in who} == who


def test_the_page_loads_nothing_from_elsewhere(served: Running) -> None:
    page = served.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert re.findall(r'(?:src|href)="([^"]*)"', page.text) == ["data:,", "/openapi.json"]


def test_openapi_has_examples_and_every_status(served: Running) -> None:
    said = served.get("/openapi.json").json()
    predict = said["paths"]["/v1/predict"]["post"]
    body = predict["requestBody"]["content"]["application/json"]["schema"]
    assert {"text": "turn on the kitchen lights"} in body["examples"]
    assert {"200", "400", "401", "408", "413", "415", "422", "429", "503", "504"} <= set(
        predict["responses"]
    )
    for example in body["examples"]:
        assert served.ask(example).status_code == 200


def test_metrics_count_what_was_asked_and_answered(served: Running) -> None:
    def now() -> dict[str, float]:
        names = {
            "right": 'plait_requests_total{path="/v1/predict",status="200"}',
            "wrong": 'plait_errors_total{type="blank_text"}',
            "labels": 'plait_labels_total{label="HassTurnOn",task="intent"}',
            "spans": 'plait_labels_total{label="area",task="slots"}',
            "times": "plait_request_seconds_count",
        }
        return {name: served.metric(value) for name, value in names.items()}

    served.ask({"text": " "})
    served.ask({"text": TEXT})
    before = now()
    served.ask({"texts": [TEXT, TEXT]})
    served.ask({"text": " "})
    grown = {name: value - before[name] for name, value in now().items()}
    assert grown == {"right": 1, "wrong": 1, "labels": 2, "spans": 2, "times": 2}
    assert served.metric('plait_record{service="assistant",stage="production"}') == 2
    assert served.metric("plait_queue_texts") == 0
    assert served.metric("process_resident_memory_bytes") > 1e7


def lines(root: Path, *options: str) -> tuple[str, list[dict[str, Any]]]:
    """What a server logs of a few requests."""
    with serving(root, *options) as running:
        running.ask({"texts": ["open sesame", "lights on"]}, **{"X-Request-ID": "mine"})
        running.ask({"text": "sesame", "sesame": 1})
        running.get("/sesame?text=sesame")
        assert running.stop() == 0
        return running.log_file.read_text(), running.log()


def test_the_log_has_one_line_a_request_and_no_text(project: Path) -> None:
    written, found = lines(project)
    assert "sesame" not in written
    first, second, third = (line for line in found if line["event"] == "request")
    assert {**first, "time": "", "ms": 0} == {
        "time": "", "event": "request", "id": "mine", "method": "POST", "path": "/v1/predict",
        "status": 200, "ms": 0, "texts": 2, "batch": 2, "record": 2,
    }  # fmt: skip
    assert first["ms"] > 0
    assert (second["status"], second["error"]) == (422, "wrong_fields")
    assert (third["path"], third["status"]) == ("other", 404)


def test_texts_are_logged_where_their_owner_wants_it(project: Path) -> None:
    written, found = lines(project, "--log-texts")
    assert json.loads(written.splitlines()[0]) == found[0]
    assert found[0]["text"] == ["open sesame", "lights on"]


def test_a_published_package_is_served_without_a_registry(project: Path, tmp_path: Path) -> None:
    registry = Registry(project)
    pack(registry, registry.record("assistant", 2), tmp_path / "package")
    with serving(tmp_path, "package") as running:
        (reply,) = running.ask({"text": TEXT}).json()["replies"]
        assert reply["answers"]["intent"]["label"] == "HassTurnOn"
        assert running.get("/health/ready").json()["record"] == 2
        assert running.stop() == 0
