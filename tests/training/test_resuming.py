"""A checkpoint is taken up by the run that wrote it, and by no other."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conftest import INTENT, candidate
from plait import bundle
from plait.approaches import learning
from plait.approaches.base import Resolved, Rows
from plait.approaches.heads import targets
from plait.approaches.heads.learning import LearnedHeads
from plait.files import write_json
from plait.tasks import Row
from plait.training import mixture
from plait.training.methods import full
from trainings import DEV, TRAIN

MADE = candidate(INTENT, epochs=0.5, checkpoint_seconds=0, threads=1)


@pytest.fixture
def scratch(tiny_encoder: Path, tmp_path: Path) -> Path:
    """What a training leaves that was killed after its last step."""
    LearnedHeads.train(MADE, tiny_encoder, TRAIN, DEV, tmp_path / "scratch")
    return tmp_path / "scratch"


def state(scratch: Path) -> Path:
    return scratch / "last/state.json"


def again(
    scratch: Path, encoder: Path, made: Resolved = MADE, train: Rows = TRAIN, dev: Rows = DEV
) -> LearnedHeads:
    return LearnedHeads.train(made, encoder, train, dev, scratch)


def anew(part: str) -> str:
    return f"tiny-intent: starts anew: its checkpoint is another run's, by {part}\n"


def relabelled(rows: Rows) -> Rows:
    first, *others = rows["home"]
    return {"home": [replace(first, labels={**first.labels, "intent": "turn_on"}), *others]}


def test_the_same_run_goes_on(
    scratch: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    again(scratch, tiny_encoder)
    errors = capsys.readouterr().err
    assert "tiny-intent: goes on from step 3 of 3\n" in errors
    assert "anew" not in errors


@pytest.mark.parametrize(
    ("part", "rows"),
    [
        ("train rows", {"train": relabelled(TRAIN)}),
        ("dev rows", {"dev": relabelled(DEV)}),
        ("dev rows", {"dev": {"home": [*DEV["home"], Row("new", "query", {"intent": "query"})]}}),
    ],
)
def test_other_rows_are_another_run(
    part: str,
    rows: dict[str, Rows],
    scratch: Path,
    tiny_encoder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    again(scratch, tiny_encoder, **rows)
    errors = capsys.readouterr().err
    assert errors.count(anew(part)) == 1
    assert "goes on" not in errors


@pytest.mark.parametrize(
    "made", [replace(MADE, seed=4), candidate(INTENT, **{**MADE.training, "dev_rows": 5})]
)
def test_another_candidate_is_another_run(
    made: Resolved, scratch: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again(scratch, tiny_encoder, made=made)
    assert anew("candidate") in capsys.readouterr().err


def test_another_backbone_is_another_run(
    scratch: Path, tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in tiny_encoder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    config = json.loads((other / "config.json").read_bytes())
    write_json(other / "config.json", {**config, "hidden_dropout_prob": 0.2})
    again(scratch, other)
    assert anew("backbone") in capsys.readouterr().err


@pytest.mark.parametrize("package", learning.PACKAGES)
def test_another_version_of_a_package_is_another_run(
    package: str,
    scratch: Path,
    tiny_encoder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = learning.version
    monkeypatch.setattr(
        learning, "version", lambda name: "0.0.1" if name == package else installed(name)
    )
    again(scratch, tiny_encoder)
    assert anew("packages") in capsys.readouterr().err


def test_other_code_is_another_run(
    scratch: Path,
    tiny_encoder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a line's change does to the digest is tests/test_code.py's matter."""
    found = learning.digest("plait.stages.train", ["heads"], ["full"])
    for module in (mixture, full, targets):
        assert f"  {module.__name__}\n" in found
    monkeypatch.setattr(learning, "digest", lambda *_: found.replace("0", "1"))
    again(scratch, tiny_encoder)
    assert anew("code") in capsys.readouterr().err


def test_another_precision_is_another_run(
    scratch: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`auto` means one or the other, by the machine; so the candidate is the same."""
    from plait.training.batches import resolve_precision

    was = {"bf16": "bf16", "fp32": "no"}[resolve_precision("auto")]
    value = json.loads(state(scratch).read_bytes())
    assert value["identity"]["precision"] == was
    value["identity"]["precision"] = {"bf16": "no", "no": "bf16"}[was]
    write_json(state(scratch), value)
    again(scratch, tiny_encoder)
    assert anew("precision") in capsys.readouterr().err


@pytest.mark.parametrize(("part", "other"), [("device", "xpu"), ("processes", "2")])
def test_another_machine_is_another_run(
    part: str, other: str, scratch: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = json.loads(state(scratch).read_bytes())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    assert value["identity"][part] == {"device": device, "processes": "1"}[part]
    value["identity"][part] = other
    write_json(state(scratch), value)
    again(scratch, tiny_encoder)
    assert anew(part) in capsys.readouterr().err


def test_another_number_of_threads_is_another_run(
    scratch: Path,
    tiny_encoder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learning, "use_all_cores", lambda _threads: torch.set_num_threads(2))
    again(scratch, tiny_encoder)
    assert anew("threads") in capsys.readouterr().err


def test_a_checkpoint_of_an_earlier_version_is_another_run(
    scratch: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(state(scratch), {"fingerprint": "4f2a", "total": 3, "step": 3, "best": 0.5})
    again(scratch, tiny_encoder)
    assert "starts anew: its checkpoint is another run's, by candidate, backbone" in (
        capsys.readouterr().err
    )


def test_a_run_that_starts_anew_ends_like_one_that_found_no_checkpoint(
    scratch: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    digests = set()
    for place in (scratch, tmp_path / "empty"):
        model = again(place, tiny_encoder, dev=relabelled(DEV))
        bundle.save(model, MADE, tmp_path / f"bundle-{place.name}")
        digests.add(bundle.digest(tmp_path / f"bundle-{place.name}"))
    assert len(digests) == 1
