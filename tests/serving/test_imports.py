"""What is imported to answer: seconds of imports are most of a cold `plait predict`."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import tiny_models
from plait.plans.promotion import promote
from production import experiment, measure, rescore, train

TEXT = "turn on the reading light in the living room"
HEAVY = (
    "torch",
    "transformers",
    "scipy",
    "sklearn",
    "pandas",
    "onnx",
    "datasets",
    "prefect",
    "dvc",
)
"""Of what plait depends on, that takes long to import and no answer of these needs."""
SCRIPT = f"""
import json, sys
from plait.cli import app
app(["predict", {TEXT!r}, "--json"], standalone_mode=False)
print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))
"""


SERVE = f"""
import json, sys
from plait.cli import app
app(["serve", "--port", "0"], standalone_mode=False)
print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))
"""


def served(root: Path) -> tuple[dict[str, object], list[str]]:
    """The reply of `plait serve`, and what it has imported of `HEAVY` in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            (url,) = re.findall(r"http://\S+", process.stdout.readline())
            body = httpx.post(f"{url}/v1/predict", json={"text": TEXT}).json()
            httpx.get(f"{url}/metrics").raise_for_status()
            process.send_signal(signal.SIGTERM)
            return body["replies"][0], json.loads(process.stdout.readline())
        finally:
            process.kill()


def predicted(root: Path) -> tuple[dict[str, object], list[str]]:
    """The reply of `plait predict` in a fresh process, and what it imported of `HEAVY`."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=True
    )
    reply, imported = map(json.loads, done.stdout.splitlines())
    return reply, imported


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose candidates of approach `linear` are trained and scored."""
    folder = tmp_path_factory.mktemp("measured")
    measure(folder)
    return folder


def test_linear_bundles_are_answered_without_what_trained_them(measured: Path) -> None:
    promote(experiment(), measured)
    reply, imported = predicted(measured)
    assert reply["answers"]["intent"]["label"] == "HassTurnOn"  # type: ignore[index]
    assert imported == []


def test_heads_are_answered_without_torch_and_transformers(measured: Path) -> None:
    """A bundle of approach `heads` becomes the champion, and then it is altered."""
    (measured / "weights/tiny").mkdir()
    tiny_models.encoder(measured / "weights/tiny", [TEXT])
    settings = {"epochs": 1, "max_length": 32, "evaluations": 1, "threads": 1}
    name = "tfidf-intent+slots"
    train(measured, name, approach="heads", backbone="tiny", training=settings)
    rescore(measured, name, intent=1.0, slots=1.0)
    promote(experiment(), measured, consent="a test of imports")
    (graph,) = (measured / "registry").rglob("heads.onnx")
    reply, imported = predicted(measured)
    assert set(reply["answers"]) == {"intent", "slots"}  # type: ignore[call-overload]
    assert imported == []
    assert served(measured) == (reply, [])
    graph.write_bytes(graph.read_bytes() + b" ")
    done = subprocess.run(
        [sys.executable, "-m", "plait.cli", "predict", TEXT],
        cwd=measured,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the bundle was altered: its digest is" in done.stderr
