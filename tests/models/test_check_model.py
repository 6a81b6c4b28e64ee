"""`plait check-model` on real folders."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import architectures
from architectures import ARCHITECTURES
from plait.cli import app
from plait.conformance import backbones
from plait.conformance.examining import Examination, Setting
from plait.errors import PlaitError
from plait.files import read_json, write_json
from projects import REPOSITORY


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """As a user has it: without plait's own file."""
    folder = architectures.make("bert", tmp_path / "my-bert")
    (folder / backbones.KEPT).unlink()
    return folder


def test_a_folder_is_checked_and_left_as_it_was(bert: Path) -> None:
    before = sorted(path.name for path in bert.iterdir())
    done = CliRunner().invoke(app, ["check-model", str(bert), "--epochs", "16"])
    assert sorted(path.name for path in bert.iterdir()) == before
    assert "heads: training, 16 epochs" in done.stderr
    # Five languages, and a task of several labels.
    assert re.search(r"heads\s+│(\s+fits\s+│){6}", done.stdout), done.stdout
    assert done.exit_code == 0


def test_a_model_that_learns_nothing_does_not_fit(bert: Path) -> None:
    done = CliRunner().invoke(app, ["check-model", str(bert), "--epochs", "1"])
    assert "does not" in done.stdout
    assert re.search(r"learns spans \(Thai\): found span f1 0\.\d+, expected at least", done.stdout)
    assert done.exit_code == 1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_kind_follows_from_the_architecture(name: str, tmp_path: Path) -> None:
    folder = architectures.make(name, tmp_path / "model")
    (folder / backbones.KEPT).unlink()
    (tmp_path / "scratch").mkdir()
    laid = backbones.laid_out(folder, None, tmp_path / "scratch")
    assert backbones.kind_of(laid) == ARCHITECTURES[name].kind
    (tmp_path / "forced").mkdir()
    assert (
        backbones.kind_of(backbones.laid_out(folder, "encoder", tmp_path / "forced")) == "encoder"
    )


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("t5", "found model_type 't5', expected a masked or a causal language model"),
        ("nonsense", "transformers cannot read it"),
    ],
)
def test_another_kind_of_model_is_named(found: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    (tmp_path / "model/config.json").write_text(json.dumps({"model_type": found}), encoding="utf-8")
    with pytest.raises(PlaitError, match=message):
        backbones.laid_out(tmp_path / "model", None, tmp_path / "scratch")


def test_what_is_no_backbone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for asked, message in (
        ("minlm", "in params.yaml; did you mean 'minilm'?"),
        ("tfidf", "found neither a folder nor a backbone with weights in params.yaml"),
        ("empty", "no config.json here"),
        ("minilm", "no weights here yet. Bring them with `plait fetch`"),
    ):
        done = CliRunner().invoke(app, ["check-model", asked])
        assert isinstance(done.exception, PlaitError)
        assert message in str(done.exception)


def test_a_script_that_the_tokenizer_lacks_is_named_and_the_others_are_tried(
    bert: Path, tmp_path: Path
) -> None:
    (tmp_path / "scratch").mkdir()
    content = read_json(bert / "tokenizer.json")
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = {
        piece: number
        for piece, number in vocabulary.items()
        if not any("\u0e00" <= letter <= "\u0e7f" for letter in piece)
    }
    write_json(bert / "tokenizer.json", content)
    examined = Examination(bert, Setting("heads"), tmp_path / "scratch", lambda _: None)
    known = [spoken.name for spoken in examined._known()]
    assert known == ["English", "Chinese", "Arabic", "Emoji"]
    [failure] = map(str, examined.verdict.failures())
    assert re.match(
        r"knows the script \(Thai\): found a share of unknown tokens of .*at most 0.1", failure
    )
