"""A reply says whether its text was read to the end."""

import json
from pathlib import Path

import pytest

import production
import small
from plait.commands.predict import predict
from plait.plans.promotion import promote
from plait.serving.service import Service
from short import approach_short

__all__ = ["approach_short"]
TEXT = "turn on the radio in the attic"
LONG = f"{TEXT} and the garage"
NOTE = "  (only a part of this text was read: it is too long for the model)"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service of two models; the one for slots reads seven words."""
    folder = tmp_path_factory.mktemp("promoted")
    small.write_inputs(folder)
    for name in small.CANDIDATES:
        production.train(folder, name, **({"approach": "short"} if name == "tfidf-slots" else {}))
    promote(production.experiment(plans={"one-per-task": ["tfidf-intent", "tfidf-slots"]}), folder)
    return folder


def test_a_text_that_one_model_cuts_is_truncated(root: Path) -> None:
    replies = Service.load(root=root).answer([LONG, TEXT, LONG])
    assert [reply.truncated for reply in replies] == [True, False, True]
    assert [reply.as_json()["truncated"] for reply in replies] == [True, False, True]


def test_predict_says_so_in_json_and_in_words(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    for text, truncated in ((TEXT, False), (LONG, True)):
        predict(text, service=None, as_json=True, top=1, batch_size=32)
        reply = json.loads(capsys.readouterr().out)
        assert list(reply) == ["text", "truncated", "answers"]
        assert reply["truncated"] is truncated
        predict(text, service=None, as_json=False, top=1, batch_size=32)
        assert (NOTE in capsys.readouterr().out.splitlines()) == truncated
