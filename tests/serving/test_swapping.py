"""A champion that changes, and a server that stops, while requests come: none of them is lost."""

import asyncio
import json
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from http_load import Load, closed, request
from plait.registry.store import Registry
from servers import wait_for
from serving import TEXT, Running, point, received, serving

QUESTIONS = [request(f"{TEXT} {number}") for number in range(20)]


class Asking:
    """Clients that ask until they are told to end."""

    def __init__(self, running: Running, clients: int = 8) -> None:
        self.on = True
        self.found: list[Load] = []
        self.thread = threading.Thread(target=self._run, args=(running.url, clients))
        self.thread.start()

    def _run(self, url: str, clients: int) -> None:
        asked = closed(url, QUESTIONS, clients, lambda *_: self.on, read=True)
        self.found.append(asyncio.run(asked))

    def end(self) -> Load:
        self.on = False
        self.thread.join()
        return self.found[0]


def record(running: Running) -> int:
    return int(running.get("/health/ready").json()["record"])


def test_a_new_champion_takes_over_and_no_request_fails(project: Path) -> None:
    with serving(project) as running:
        load = Asking(running)
        for number in (1, 2, 1):
            point(project, number)
            wait_for(lambda wanted=number: record(running) == wanted, 10)  # type: ignore[misc]
        found = load.end()
        assert set(running.get("/v1/service").json()["bundles"]) == {"tfidf-intent", "tfidf-slots"}
        assert running.metric('plait_swaps_total{outcome="swapped"}') == 3
        assert running.metric('plait_record{service="assistant",stage="production"}') == 1
        said = [
            (line["record"], line["plan"]) for line in running.log() if line["event"] == "swapped"
        ]
    assert said == [(1, "one-per-task"), (2, "consolidated"), (1, "one-per-task")]
    assert found.failed == 0
    assert found.records[1] > 50
    assert found.records[2] > 50
    point(project, 2)


def test_a_request_is_answered_by_one_champion(project: Path) -> None:
    """Its texts may run in several batches, between which the champion changes."""
    with serving(project, "--batch-size", "1", slow=0.2) as running:
        answers: list[int] = []

        def ask() -> None:
            answers.append(running.ask({"texts": [TEXT] * 20}).json()["record"])

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.3)
        point(project, 1)
        wait_for(lambda: record(running) == 1, 10)
        assert asking.is_alive()
        assert running.ask({"text": TEXT}).json()["record"] == 1
        asking.join()
        assert answers == [2]
    point(project, 2)


@pytest.mark.parametrize("part", ["bundle", "record", "pointer"])
def test_a_damaged_champion_leaves_the_old_one_answering(
    project: Path, tmp_path: Path, part: str
) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("log-*"))
    registry = Registry(root)
    digest = registry.record("assistant", 1).bundles["tfidf-slots"]
    damaged = {
        "bundle": next((registry.folder / "bundles" / digest).glob("*.safetensors")),
        "record": registry.path("assistant", 1),
        "pointer": registry.pointer("assistant", "production"),
    }[part]
    with serving(root) as running:
        load = Asking(running, 2)
        champion = registry.record("assistant", 1)
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        if part != "pointer":
            registry.point(champion)
        wait_for(lambda: bool(running.get("/v1/service").json()["refused"]), 10)
        number = {"bundle": 1}.get(part, -1)
        assert running.get("/health/ready").json()["refused"] == number
        refused = running.get("/v1/service").json()["refused"]
        assert damaged.name in refused["message"] or digest in refused["message"]
        assert record(running) == 2
        assert running.metric("plait_refused_record") == number
        assert running.metric('plait_swaps_total{outcome="swapped"}') == 0
        assert load.end().failed == 0
        damaged.write_bytes(whole)
        point(root, 1)
        wait_for(lambda: record(running) == 1, 10)
        assert running.get("/health/ready").json()["refused"] is None
        (line,) = [each for each in running.log() if each["event"] == "refused"]
        assert line["record"] == number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_stops_answers_what_is_in_flight(project: Path, number: int) -> None:
    with serving(project, "--batch-size", "2", slow=0.3) as running:
        asked: list[int] = []
        found: list[int] = []

        def ask() -> None:
            asked.append(1)
            found.append(running.ask({"text": TEXT}).status_code)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for each in threads:
            each.start()
        wait_for(lambda: running.metric("plait_queue_texts") > 3, 10)
        running.process.send_signal(number)
        wait_for(lambda: running.get("/health/ready").status_code == 503, 2)
        assert running.process.wait(20) == 0
        for each in threads:
            each.join()
        assert found == [200] * 8
        events = [line["event"] for line in running.log()]
    assert events[-1] == "stopped"
    assert "stopping" in events


def test_clients_that_ask_all_the_time_lose_nothing_when_it_stops(project: Path) -> None:
    """They are told to close their connections; what they send before is answered."""
    with serving(project) as running:
        load = Asking(running)
        time.sleep(0.5)
        running.process.send_signal(signal.SIGTERM)
        wait_for(lambda: any("stopping" in str(line) for line in running.log()), 5)
        found = load.end()
        assert running.process.wait(20) == 0
        answered = [line for line in running.log() if line["event"] == "request"]
    assert found.failed == 0
    assert len(found.seconds) == len(answered) > 50


def test_a_server_stops_within_its_time(project: Path) -> None:
    with serving(project, "--grace", "1", slow=20) as running:
        body = json.dumps({"text": TEXT}).encode()
        head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        with running.connect() as connection:
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            time.sleep(0.3)
            began = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            assert b'"stopping"' in received(connection)
            assert running.process.wait(25) == 0
            assert time.monotonic() - began < 5
