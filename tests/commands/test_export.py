"""`plait export` as it is typed."""

import shutil
from pathlib import Path

import pytest
from skops import io
from typer.testing import CliRunner

import bundled
import plait as library
from conftest import INTENT, candidate
from plait import bundle
from plait.approaches.generative.model import Generative
from plait.cli import app
from plait.errors import PlaitError
from plait.files import write_json
from plait.plans.promotion import promote
from plait.settings import Training
from production import experiment, measure_for_commands

TEXT = "turn on the reading light in the living room"


def plait(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["export", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def refused(*arguments: str) -> str:
    with pytest.raises(PlaitError) as error:
        plait(*arguments)
    return str(error.value)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service `assistant` has a champion."""
    folder = tmp_path_factory.mktemp("made")
    measure_for_commands(folder)
    promote(experiment(), folder)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_a_candidate_is_exported_and_its_check_is_said(project: Path) -> None:
    (project / "weights/tfidf/README.md").write_text("---\nlicense: mit\n---\n")
    said = plait("tfidf-intent", "--to", "skops", "--out", "out")
    assert said.startswith("tfidf-intent: exported to out. ")
    assert "largest difference of a probability: " in said
    page = (project / "out/README.md").read_text(encoding="utf-8")
    assert "Backbone tfidf" in page
    assert "licence: mit" in page
    found = io.load(project / "out/intent.skops", trusted=[]).predict([TEXT])
    own = library.load("models/tfidf-intent").predict(TEXT).answers["intent"]
    assert isinstance(own, library.LabelPrediction)
    assert list(found) == [own.label]


def test_the_bundle_of_a_service_that_answers_a_task(project: Path) -> None:
    said = plait("assistant", "--to", "skops", "--out", "out", "--task", "intent")
    assert "tfidf-intent" in said
    assert sorted(path.name for path in (project / "out").iterdir()) == [
        "README.md",
        "intent.skops",
    ]
    assert "has no task 'intnt'; did you mean 'intent'?" in refused(
        "assistant", "--to", "skops", "--out", "more", "--task", "intnt"
    )
    assert "of kind tagging" in refused("assistant", "--to", "skops", "--out", "more")
    assert not (project / "more").exists()


def test_nothing_is_overwritten_without_force(project: Path) -> None:
    (project / "out").mkdir()
    (project / "out/mine").touch()
    arguments = ("tfidf-intent", "--to", "skops", "--out", "out")
    assert "--out out: exists already. Name another folder, or add --force." in refused(*arguments)
    assert (project / "out/mine").exists()
    plait(*arguments, "--force")
    assert not (project / "out/mine").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tfidf-intent", "gguf"), "--to: found 'gguf', expected a format (onnx: an ONNX graph"),
        (
            ("tfidf-intent", "onnx"),
            "of approach linear, expected one of approach heads. It ",
        ),
        (("tfidf-intnt", "skops"), "nor a service with a champion; did you mean 'tfidf-intent'?"),
        (("./nowhere", "skops"), "no bundle here (no bundle.json)"),
    ],
)
def test_what_can_not_be_exported_is_named(
    project: Path, arguments: tuple[str, str], said: str
) -> None:
    name, to = arguments
    assert said in refused(name, "--to", to, "--out", "out")
    assert not (project / "out").exists()


def test_a_name_of_both_a_bundle_and_a_service_is_refused(project: Path) -> None:
    shutil.copytree(project / "models/tfidf-intent", project / "models/assistant")
    assert "found a bundle in models/ and a service" in refused(
        "assistant", "--to", "skops", "--out", "out"
    )
    plait("models/assistant", "--to", "skops", "--out", "out")


def test_heads_need_a_task_and_no_valid_experiment(project: Path, tiny_encoder: Path) -> None:
    bundled.heads(tiny_encoder, project / "models/both")
    assert "Name one, as in `--task intent`" in refused(
        "both", "--to", "transformers", "--out", "out"
    )
    assert "expected one of approach linear. It can be exported --to onnx or transformers" in (
        refused("both", "--to", "skops", "--out", "out")
    )
    said = plait("both", "--to", "onnx", "--out", "out")
    assert "exported to out." in said
    write_json(project / "params.yaml", {"nothing": "valid"})  # a bundle alone is enough
    plait("both", "--to", "transformers", "--task", "slots", "--out", "slots")
    assert "its licence is not known here" in (project / "slots/README.md").read_text("utf-8")


def test_generative_bundles_go_to_vllm_alone(project: Path, tiny_decoder: Path) -> None:
    made = candidate(INTENT, approach="generative", precision="fp32")
    model = Generative.build(made, tiny_decoder, Training(max_length=32, precision="fp32"))
    bundle.save(model, made, project / "models/written")
    assert "It can be exported --to vllm." in refused("written", "--to", "skops", "--out", "out")
    said = plait("written", "--to", "vllm", "--out", "out")
    assert "vLLM itself was not run" in said
    names = {path.name for path in (project / "out").iterdir()}
    assert {"ask.py", "prompts.json", "intent.gbnf", "model.safetensors", "README.md"} <= names
    assert not {"bundle.json", "coverage.json", "generative.json"} & names


def test_the_help_teaches() -> None:
    said = " ".join(plait("--help").split())
    assert "nothing is written" in said
    for part in ("transformers", "onnx", "vllm", "skops", "--task", "--force"):
        assert part in said
