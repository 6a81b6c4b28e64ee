"""`plait score` on a real Prefect server: parts as tasks, or on a work pool by a real worker."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.settings import PREFECT_API_URL, temporary_settings

import projects
from answered_files import TEXTS, read, run, write
from plait.files import read_json
from plait.plans.promotion import promote
from plait.running import prefect_server
from production import experiment, measure_for_commands, train

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    measure_for_commands(folder)
    promote(experiment(), folder)
    (folder / "flows").symlink_to(projects.REPOSITORY / "flows")
    (folder / "infra").symlink_to(projects.REPOSITORY / "infra")
    return folder


@pytest.fixture(scope="module")
def environment(root: Path) -> Iterator[dict[str, str]]:
    """The environment of commands, and a server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - own.keys():
            patch.delenv(name)
        patch.setattr(prefect_server, "START_SECONDS", 300.0)
        server = prefect_server.start(root, port)
    yield {**own, **{"PREFECT_API_URL": server.api, "PREFECT_HOME": str(root / ".plait/prefect")}}
    prefect_server.stop(root)


@pytest.fixture(scope="module")
def client(environment: dict[str, str]) -> Iterator[SyncPrefectClient]:
    api = environment["PREFECT_API_URL"]
    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of three formats, a larger one among them, and one that can't be read."""
    data = tmp_path / "data"
    data.mkdir()
    rows = [{"n": str(i), "text": TEXTS[i % len(TEXTS)]} for i in range(9000)]
    write(data / "big.csv", rows)
    write(data / "small.jsonl.gz", rows[:5])
    write(data / "table.parquet", [*rows[:3], {"n": "3", "text": " "}])
    (data / "README.md").write_text("not data")
    return data


class Scored:
    """What `plait score` did."""

    def __init__(
        self, root: Path, environment: dict[str, str], folder: Path, *more: str, out: str = "out"
    ) -> None:
        command = [sys.executable, "-m", "plait.cli", "score", str(folder)]
        self.out = folder.parent / out
        done = subprocess.run(
            [*command, "--out", str(self.out), *more],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=500,
        )
        self.said, self.failed, self.code = done.stdout, done.stderr, done.returncode


def summary(client: SyncPrefectClient) -> tuple[list[dict[str, Any]], str]:
    """The latest table of parts, and what it says of them all."""
    asked = ArtifactFilter(key=ArtifactFilterKey(any_=["score"]))
    found = client.read_artifacts(artifact_filter=asked)
    latest = max(found, key=lambda each: each.created)  # type: ignore[arg-type,return-value]
    return json.loads(str(latest.data)), str(latest.description)


def test_files_and_parts_of_large_ones_are_answered_once(
    root: Path, environment: dict[str, str], client: SyncPrefectClient, folder: Path
) -> None:
    first = Scored(root, environment, folder, "--rows", "4096")
    assert first.code == 0, first.failed
    names = ["big.00001.csv", "big.00002.csv", "big.00003.csv", "small.jsonl.gz", "table.parquet"]
    assert sorted(path.name for path in first.out.iterdir()) == [".plait", *names]
    run(root, folder / "big.csv", folder.parent / "whole.csv")
    parts = [row for name in names[:3] for row in read(first.out / name)]
    assert parts == read(folder.parent / "whole.csv")
    table, said = summary(client)
    assert [line["part"] for line in table] == names
    assert [line["rows"] for line in table] == ["4,096", "4,096", "808", "5", "4"]
    assert table[4]["without an answer"] == "1"
    assert table[4]["first"] == "row 4: no visible character"
    assert said == "5 parts: 0 done before, 0 failed"
    runs = {each.name for each in client.read_task_runs()}
    assert set(names) <= runs
    (first.out / "small.jsonl.gz").unlink()
    rows = read(folder / "table.parquet")
    write(folder / "table.parquet", rows[:2])
    (folder / "broken.csv").write_text("no text here\nx\n")
    before = (first.out / names[0]).stat().st_mtime_ns
    second = Scored(root, environment, folder, "--rows", "4096")
    assert second.code == 2
    assert "1 of 6 parts failed: broken.csv: " in second.failed
    assert "column 'text': columns are 'no text here'" in second.failed
    _, said = summary(client)
    assert said == "6 parts: 3 done before, 1 failed"
    assert (first.out / names[0]).stat().st_mtime_ns == before
    assert len(read(first.out / "table.parquet")) == 2
    assert len(read(first.out / "small.jsonl.gz")) == 5


def test_another_plan_answers_all_parts_again(
    root: Path, environment: dict[str, str], folder: Path
) -> None:
    (folder / "big.csv").unlink()
    done = Scored(root, environment, folder, "--format", ".csv")
    assert done.code == 0, done.failed
    assert "small.csv: Completed. 5 rows" in done.said
    train(root, "tfidf-intent+slots", seed=8, training={"C": 0.01})
    promote(experiment(), root, consent="a test")
    done = Scored(root, environment, folder, "--format", ".csv")
    assert "small.csv: Completed. 5 rows" in done.said
    assert read_json(done.out / ".plait/small.csv.json")["record"] == 2
    done = Scored(root, environment, folder, "--format", ".csv")
    assert "small.csv: Cached. Its output is there already" in done.said


def test_a_folder_without_files_is_named(
    root: Path, environment: dict[str, str], folder: Path
) -> None:
    done = Scored(root, environment, folder, "--pattern", "*.txt")
    assert done.code == 2
    assert "found no file that matches '*.txt'" in done.failed
    done = Scored(root, environment, folder, out="data")
    assert "found the input's folder" in done.failed
    write(folder / "small.jsonl", [{"text": "on"}])
    done = Scored(root, environment, folder, "--format", ".csv")
    assert "two files would become" in done.failed


@pytest.mark.slow
def test_workers_of_a_pool_answer_parts(
    root: Path, environment: dict[str, str], client: SyncPrefectClient, folder: Path
) -> None:
    prefect = [sys.executable, "-m", "prefect"]
    make = ["work-pool", "create", "plait", "--type", "process"]
    deploy = [
        "--no-prompt",
        "deploy",
        "--prefect-file",
        "infra/prefect.yaml",
        "-n",
        "score-part/pool",
    ]
    here = {**environment, "PWD": str(root)}  # as a shell would set it; infra/prefect.yaml reads it
    for command in (make, deploy):
        subprocess.run([*prefect, *command], cwd=root, env=here, check=True, capture_output=True)
    log = (folder.parent / "worker.txt").open("w")
    worker = subprocess.Popen(
        [*prefect, "worker", "start", "--pool", "plait"],
        cwd=root,
        env=environment,
        stdout=log,
        stderr=log,
    )
    try:
        done = Scored(root, environment, folder, "--pool", "--rows", "4096")
        assert done.code == 0, done.failed
        names = {each.name for each in client.read_flow_runs()}
        assert {"big.00001.csv", "small.jsonl.gz"} <= names
        run(root, folder / "big.csv", folder.parent / "whole.csv")
        parts = [row for path in sorted(done.out.glob("big*")) for row in read(path)]
        assert parts == read(folder.parent / "whole.csv")
        _, said = summary(client)
        assert said == "5 parts: 0 done before, 0 failed"
    finally:
        worker.terminate()
        worker.wait(timeout=60)
        log.close()
