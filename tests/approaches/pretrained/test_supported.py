"""Models that plait can't drive are refused by name, before their weights are read."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING

from conftest import INTENT, candidate
from plait.approaches.generative import Generative
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.pretrained import supported
from plait.approaches.prompting.decoder import Decoder
from plait.errors import PlaitError
from plait.files import write_json
from plait.settings import Training
from random_models import DECODERS, config_of


def saved(folder: Path, config: Any, architecture: str) -> Path:
    """A folder with a configuration and no weights: to ask for them would be another error."""
    config.architectures = [architecture]
    config.save_pretrained(folder)
    write_json(folder / "backbone.json", {"kind": "decoder"})
    return folder


NEVER = [
    ("gemma3", "Gemma3ForConditionalGeneration", r"\(vision_config\).*'gemma3_text'"),
    ("qwen2_audio", "Qwen2AudioForConditionalGeneration", r"audio_config.*'qwen2'"),
    ("t5", "T5ForConditionalGeneration", "is an encoder with a decoder"),
    ("bart", "BartForConditionalGeneration", "is an encoder with a decoder"),
    ("clip", "CLIPModel", "more than text"),
    ("fnet", "FNetModel", "has no attention_mask"),
    ("vit", "ViTModel", "has no vocab_size"),
]


@pytest.mark.parametrize(("kind", "architecture", "found"), NEVER)
def test_what_no_approach_can_drive(
    kind: str, architecture: str, found: str, tmp_path: Path
) -> None:
    folder = saved(tmp_path, CONFIG_MAPPING[kind](), architecture)
    made = candidate(INTENT)
    training = Training.model_validate(made.training)
    message = rf"config\.json: architecture {architecture} .*({found})"
    with pytest.raises(PlaitError, match=message):
        LearnedHeads.build(made, folder, training)
    with pytest.raises(PlaitError, match=rf"config\.json: architecture {architecture} "):
        Decoder.load(folder, 32, torch.float32)
    with pytest.raises(PlaitError, match=rf"config\.json: architecture {architecture} "):
        Generative.build(candidate(INTENT, approach="generative"), folder, training)


NO_DECODERS = [
    ("mamba", "MambaForCausalLM", "has no position_ids, past_key_values|kind linear_attention"),
    ("rwkv", "RwkvForCausalLM", "has no position_ids, past_key_values"),
    ("bloom", "BloomForCausalLM", "has no position_ids"),
    ("jamba", "JambaForCausalLM", "layers of the kind linear_attention"),
    ("llama4_text", "Llama4ForCausalLM", "layers of the kind chunked_attention"),
    ("gpt_neo", "GPTNeoForCausalLM", "layers of the kind local"),
    ("deberta-v2", "DebertaV2Model", "is no causal language model"),
]


@pytest.mark.parametrize(("kind", "architecture", "found"), NO_DECODERS)
def test_what_cannot_be_asked_in_words(
    kind: str, architecture: str, found: str, tmp_path: Path
) -> None:
    folder = saved(tmp_path, CONFIG_MAPPING[kind](), architecture)
    with pytest.raises(PlaitError, match=rf"architecture {architecture}.*({found})"):
        Decoder.load(folder, 32, torch.float32)


def test_a_type_that_transformers_does_not_know(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"model_type": "brandnew", "architectures": ["Brand"]})
    for check in (supported.body, supported.decoder):
        with pytest.raises(PlaitError, match=r"config\.json: transformers can't read .*brandnew"):
            check(tmp_path)


@pytest.mark.parametrize("kind", DECODERS)
def test_decoders_are_let_through(kind: str, tmp_path: Path) -> None:
    config_of(kind).save_pretrained(tmp_path)
    assert supported.decoder(tmp_path).model_type == kind
    assert supported.body(tmp_path).model_type == kind


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert", "deberta-v2", "mpt", "dbrx"])
def test_bodies_of_classifiers_are_let_through(kind: str, tmp_path: Path) -> None:
    """A checkpoint with a head has the body that approach `heads` takes."""
    saved(tmp_path, CONFIG_MAPPING[kind](), "SomethingForSequenceClassification")
    assert supported.body(tmp_path).model_type == kind
