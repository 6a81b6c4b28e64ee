"""Code that stands in a model's folder is never run, not even where somebody would say yes."""

import json
from pathlib import Path

import pytest
import torch

from conftest import INTENT, candidate
from plait.approaches.heads.model import Heads
from plait.prompting.decoder import Decoder
from plait.settings import Training

CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import PretrainedConfig, PreTrainedModel
class C(PretrainedConfig):
    model_type = "foreign"
class M(PreTrainedModel):
    config_class = C
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's folder with a class of its own, and a person who agrees to everything."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "code.py").write_text(CODE.format(marker=str(tmp_path / "it-ran")))
    names = ("AutoModel", "AutoModelForCausalLM")
    own = {"AutoConfig": "code.C", **dict.fromkeys(names, "code.M")}
    config = {"model_type": "foreign", "auto_map": own}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "heads.json").write_text(json.dumps({"max_length": 8, "precision": "fp32"}))
    return folder


def test_no_model_is_asked_for_its_code(foreign: Path) -> None:
    with pytest.raises(ValueError, match="custom code"):
        Decoder.load(foreign, 8, torch.float32)
    with pytest.raises(ValueError, match="custom code"):
        Heads.build(candidate(INTENT), foreign, Training())
    with pytest.raises(ValueError, match="custom code"):
        Heads.load(foreign, (INTENT,))
    assert not (foreign.parent / "it-ran").exists()
