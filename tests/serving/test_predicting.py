"""`plait.load`, and every example of docs/python.md."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import plait
import projects
from plait.plans.promotion import promote
from plait.registry.packages import pack
from plait.registry.store import Registry
from production import experiment, measure

TEXT = "turn on the reading light in the living room"
EXAMPLES = re.findall(
    r"```python\n(.+?)```", (projects.REPOSITORY / "docs/python.md").read_text("utf-8"), re.DOTALL
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service `assistant` has a champion."""
    folder = tmp_path_factory.mktemp("promoted")
    measure(folder)
    promote(experiment(), folder)
    return folder


def test_the_import_is_light_and_names_are_found() -> None:
    code = (
        "import sys, plait; print(sorted({'numpy', 'torch', 'transformers'} & set(sys.modules)), "
        "[getattr(plait, name).__name__ for name in plait.__all__ if name != 'Prediction'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ['LabelPrediction', 'PlaitError', 'Predictor', 'Reply'")
    assert set(plait.__all__) <= set(dir(plait))
    with pytest.raises(AttributeError, match="'plait' has no attribute 'lod'"):
        _ = plait.lod  # type: ignore[attr-defined]


def test_examples_of_the_page_run(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert len(EXAMPLES) >= 5
    names: dict[str, object] = {}
    for example in EXAMPLES:
        exec(example, names)  # noqa: S102
    said = capsys.readouterr().out
    assert "HassTurnOn" in said
    assert "area kitchen" in said
    assert "text 1: found no visible character, expected words. Correct it or leave it out." in said


def test_one_text_or_several_of_a_service_a_package_and_a_bundle(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = plait.load("assistant", root=project)
    reply = champion.predict(TEXT)
    assert isinstance(reply, plait.Reply)
    assert champion.predict([TEXT, "a"], batch_size=1)[0] == reply
    assert champion.predict([]) == []
    assert plait.load(root=str(project)).predict(TEXT) == reply
    registry = Registry(project)
    (tmp_path / "package").mkdir()
    pack(registry, registry.require("assistant"), tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    assert plait.load("./package").predict(TEXT) == reply
    monkeypatch.chdir(tmp_path / "package")
    assert plait.load(".").predict(TEXT) == reply
    one = plait.load(project / "models/tfidf-intent")
    assert dict(one.predict(TEXT).answers).keys() == {"intent"}


def test_what_is_nothing_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(plait.PlaitError, match=r"service 'asistant' has no champion; did you mean"):
        plait.load("asistant", root=project)
    with pytest.raises(plait.PlaitError, match="no service has a champion in staging"):
        plait.load("assistant", root=project, stage="staging")
    with pytest.raises(plait.PlaitError, match=r"found neither bundle.json .* nor record.json"):
        plait.load(tmp_path)
    shutil.copytree(project / "models/tfidf-intent", tmp_path / "old")
    (tmp_path / "old/bundle.json").write_text("{}")
    with pytest.raises(plait.PlaitError, match="a bundle of format None"):
        plait.load(tmp_path / "old")
