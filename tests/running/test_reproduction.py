"""Two versions side by side, and one made again from its pins, on small real DVC projects."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import production
import projects
from plait.cli import app
from plait.errors import PlaitError
from plait.running import reproduction
from plait.running.graph import environment

SCORE = """
import json, os, pathlib, sys
name, noise = sys.argv[1], float(os.environ.get("NOISE", 0))
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("scores").mkdir(exist_ok=True)
pathlib.Path("models", name).write_text(f"weights {noise}")
scores = {"intent": {"accuracy": BASE + noise, "macro_f1": 0.7}}
pathlib.Path("scores", name + ".json").write_text(json.dumps(scores))
"""
NAMES = ["tfidf-intent", "tfidf-slots"]
STAGE = "benchmark@tfidf-intent"
STAGES = {
    "benchmark": {
        "foreach": NAMES,
        "do": {
            "cmd": "python score.py ${item}",
            "deps": ["score.py"],
            "outs": ["models/${item}"],
            "metrics": [{"scores/${item}.json": {"cache": False}}],
        },
    }
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that has been run and committed."""
    folder = projects.make(tmp_path / "project", dict(STAGES))
    (folder / "flows").unlink()
    (folder / "params.yaml").write_text(yaml.safe_dump(production.PARAMS), encoding="utf-8")
    score(folder, 0.8)
    monkeypatch.chdir(folder)
    return folder


def score(folder: Path, base: float) -> None:
    """Run with other scores, and commit."""
    (folder / "score.py").write_text(SCORE.replace("BASE", str(base)))
    command = [sys.executable, "-m", "dvc", "repro"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment())
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["add", "."], ["commit", "-qm", f"scores {base}"]):
        subprocess.run([*git, *arguments], check=True)


def again(project: Path, scratch: Path) -> list[reproduction.OutputComparison]:
    reproduction.require_run(project, [STAGE])
    reproduction.rebuild(project, scratch, [STAGE])
    return reproduction.compare_outputs(project, scratch, tolerance=0.005)


def test_what_comes_back_bit_for_bit_is_called_so(project: Path, tmp_path: Path) -> None:
    found = again(project, tmp_path / "scratch")
    assert {(each.stage, each.output, each.agreement) for each in found} == {
        (STAGE, "models/tfidf-intent", "bit-identical"),
        (STAGE, "scores/tfidf-intent.json", "bit-identical"),
    }, "the other candidate's entry in the committed lock says nothing of a rebuild"
    assert reproduction.overall_agreement(found)[0] == "bit-identical"
    # It was made there, not copied: git has no models, and the clone had no cache.
    assert (tmp_path / "scratch/models/tfidf-intent").read_text() == "weights 0.0"


def test_scores_within_tolerance_are_equal_though_the_weights_differ(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISE", "0.001")
    found = again(project, tmp_path / "scratch")
    agreements = {each.output: each.agreement for each in found if each.stage == STAGE}
    assert agreements == {
        "models/tfidf-intent": "different",
        "scores/tfidf-intent.json": "equal within tolerance",
    }
    agreement, sentence = reproduction.overall_agreement(found)
    assert agreement == "equal within tolerance"
    assert f"models/tfidf-intent of stage {STAGE}" in sentence


def test_other_scores_are_different_and_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISE", "0.1")
    found = again(project, tmp_path / "scratch")
    (scores,) = [each for each in found if each.output == "scores/tfidf-intent.json"]
    assert scores.agreement == "different"
    assert scores.where.startswith("intent.accuracy: 0.8 → 0.9")
    assert reproduction.overall_agreement(found)[0] == "different"


def test_verify_says_so_and_its_status_tells_scripts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = CliRunner().invoke(app, ["verify", "tfidf-intent"])
    assert same.exit_code == 0, same.output
    assert "bit-identical: All " in same.output
    monkeypatch.setenv("NOISE", "0.1")
    other = CliRunner().invoke(app, ["verify", "tfidf-intent", "--tolerance", "0.05"])
    assert other.exit_code == 1
    assert "different: Scores differ: " in other.output
    assert CliRunner().invoke(app, ["verify", "tfidf-intent", "--tolerance", "0.2"]).exit_code == 0
    assert subprocess.run(["git", "status", "--porcelain"], capture_output=True).stdout == b""


def test_changes_that_a_clone_would_not_have_are_refused(project: Path, tmp_path: Path) -> None:
    (project / "score.py").write_text("changed")
    with pytest.raises(PlaitError, match=r"not committed, expected none(.|\n)*score.py"):
        reproduction.rebuild(project, tmp_path / "scratch", [STAGE])
    assert not (tmp_path / "scratch").exists()


def test_without_a_run_there_is_nothing_to_compare_with(project: Path) -> None:
    with pytest.raises(PlaitError, match="no run of benchmark@c, so there is nothing to compare"):
        reproduction.require_run(project, ["benchmark@c"])
    (project / "dvc.lock").unlink()
    with pytest.raises(PlaitError, match="nothing was run here"):
        reproduction.require_run(project, [STAGE])


def test_verify_of_a_candidate_that_is_not_there_is_one_error(project: Path) -> None:
    found = CliRunner().invoke(app, ["verify", "nobody"])
    assert isinstance(found.exception, PlaitError)
    assert "candidates: no 'nobody'" in str(found.exception)


def test_two_versions_stand_side_by_side(project: Path) -> None:
    score(project, 0.85)
    found = CliRunner().invoke(app, ["compare", "HEAD~1", "HEAD", "--markdown"])
    assert found.exit_code == 0, found.output
    head, _, *lines = found.output.splitlines()
    assert [part.strip() for part in head.strip("|").split("|")] == [
        "Candidate", "Task", "Metric", r"HEAD\~1", "HEAD", "Difference",
    ]  # fmt: skip
    assert [[part.strip() for part in line.strip("|").split("|")] for line in lines] == [
        [name, "intent", "accuracy", "80.00", "85.00", "+5.00"]
        for name in ("tfidf-intent", "tfidf-slots")
    ]
    same = CliRunner().invoke(app, ["compare", "HEAD", "HEAD"])
    assert same.output == "No score differs between HEAD and HEAD.\n"


def test_an_unknown_revision_is_one_error(project: Path) -> None:
    found = CliRunner().invoke(app, ["compare", "v9.9"])
    assert isinstance(found.exception, PlaitError)
    assert "v9.9: no such commit, tag or branch." in str(found.exception)
