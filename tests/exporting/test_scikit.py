"""Exports of approach `linear`: scikit-learn, loaded without trust, answers as plait does."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skops import io

import small
from bundled import ABOUT
from conftest import INTENT, candidate, home_rows
from plait import bundle
from plait.approaches.linear.features import _WORD
from plait.approaches.linear.model import Linear
from plait.errors import PlaitError
from plait.exporting.word_pattern import pattern
from plait.exporting.writing import export
from plait.tasks import LabelPrediction, Row, SetPrediction, Task

MENTIONED = (("off", "room"), ("on",), ("room",), ("off", "on"))
TWO = Task("two", "home", "classification", "two", ("even", "odd"), "accuracy")
ODD = ["kitchen", "何か kitchen ห้อง lights", "हिन्दी number"]
TEXTS = [row.text for row in home_rows(12, 50)] + ODD


def rows(count: int, offset: int = 0) -> list[Row]:
    return [
        Row(
            row.id,
            row.text,
            {
                **row.labels,
                "about": MENTIONED[n % len(MENTIONED)],
                "two": ("even", "odd")[n % 2],
            },
        )
        for n, row in enumerate(home_rows(count, offset))
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a task of each kind that can be exported, its temperatures fitted."""
    folder = tmp_path_factory.mktemp("linear") / "bundle"
    made = candidate(INTENT, ABOUT, TWO, approach="linear")
    inputs = {"home": rows(40)}, {"home": rows(16, 40)}
    bundle.save(Linear.train(made, folder, *inputs, folder), made, folder)
    return folder


def test_pipelines_answer_as_plait_does(trained: Path, tmp_path: Path) -> None:
    found = export({"x": trained}, "skops", tmp_path / "out", texts=TEXTS)
    assert next(iter(found.values())).largest < 1e-6
    own = bundle.load(trained)[1].predict(TEXTS)
    for task in (INTENT, TWO):
        loaded = io.load(tmp_path / "out" / f"{task.name}.skops", trusted=[])
        named, scores = loaded.predict(TEXTS), loaded.predict_proba(TEXTS)
        assert list(loaded.classes_) == list(task.labels)
        for name, row, answer in zip(named, scores, own[task.name], strict=True):
            assert isinstance(answer, LabelPrediction)
            assert name == answer.label
            assert list(row) == pytest.approx(list(answer.probabilities.values()), abs=1e-4)
    several = io.load(tmp_path / "out/about.skops", trusted=[])
    scores = np.stack([each[:, 1] for each in several.predict_proba(TEXTS)], axis=1)
    for marks, row, answer in zip(several.predict(TEXTS), scores, own["about"], strict=True):
        assert isinstance(answer, SetPrediction)
        assert [n for n, on in zip(ABOUT.labels, marks, strict=True) if on] == [*answer.labels]
        assert list(row) == pytest.approx(list(answer.probabilities.values()), abs=1e-4)


def test_the_readme_runs_without_plait(trained: Path, tmp_path: Path) -> None:
    export({"x": trained}, "skops", tmp_path / "out")
    page = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    assert len(examples) == 3
    code = "import sys; sys.modules['plait'] = None\n" + "\n".join(examples)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "out", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "turn_on" in done.stdout.splitlines()[0]


def test_one_task_alone(trained: Path, tmp_path: Path) -> None:
    export({"x": trained}, "skops", tmp_path / "out", "two")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "two.skops"]


def test_spans_have_no_pipeline(tmp_path: Path) -> None:
    made = small.candidate("tags", [small.SLOTS])
    inputs = {"home": small.rows(0, 2)}, {"home": small.rows(1, 4)}
    bundle.save(Linear.train(made, tmp_path, *inputs, tmp_path), made, tmp_path / "bundle")
    with pytest.raises(PlaitError, match=r"'tags' has a task of kind tagging, and this format has"):
        export({"x": tmp_path / "bundle"}, "skops", tmp_path / "out")
    assert not (tmp_path / "out").exists()


SIGNS = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from("abé12_ -½²\u0301คำเ水か々हिन्दी한각각가\u200d👍🏽ﾞ"),
)


@given(st.text(SIGNS, max_size=14))
def test_the_pattern_of_words_finds_the_words(text: str) -> None:
    lower = text.lower()
    assert re.findall(pattern(), lower) == _WORD.findall(lower)
