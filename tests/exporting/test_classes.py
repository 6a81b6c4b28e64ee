"""Standard classes of further architectures compute the logits of plait's heads."""

import pytest
import torch
from transformers import AutoModel

import random_models
from conftest import INTENT
from plait.approaches.heads.kept import Reading
from plait.approaches.heads.network import Network
from plait.errors import PlaitError
from plait.exporting import classes

DECODER = Reading(decoder=True)
CHANGES = {"gpt_neox": {}, "mistral": {"sliding_window": None}, "qwen2": {}}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_decoders_logits_are_those_of_the_head(kind: str) -> None:
    torch.manual_seed(2)
    config = random_models.config_of(kind, **CHANGES[kind])
    if kind == "qwen2":  # all layers are full
        config.use_sliding_window, config.layer_types = False, ["full_attention"] * 4
    network = Network(AutoModel.from_config(config), (INTENT,), DECODER).eval()
    head = network.heads[0]
    torch.nn.init.normal_(head.get_parameter("weight"))
    torch.nn.init.normal_(head.get_parameter("bias"))
    ids, mask = torch.randint(3, 120, (3, 50)), torch.ones(3, 50, dtype=torch.long)
    mask[1, 20:] = mask[2, 3:] = 0
    ids[mask == 0] = 0
    renamed = classes.renamed(config)
    assert renamed.model_type == {"gpt_neox": "gpt_neox"}.get(kind, "llama")
    renamed.num_labels = len(INTENT.labels)
    state = network.encoder.state_dict()
    weight, bias = head.get_parameter("weight").data, head.get_parameter("bias").data
    model = classes.classifier(renamed, DECODER, state, weight, bias)
    with torch.inference_mode():
        own = network.logits({"input_ids": ids, "attention_mask": mask}, [INTENT.name])
        found = model(input_ids=ids, attention_mask=mask).logits
    assert found.numpy() == pytest.approx(own[INTENT.name].numpy(), abs=1e-4)


def test_windows_stay_windows_and_other_names_are_refused() -> None:
    windowed = random_models.config_of("mistral")
    assert classes.renamed(windowed) is windowed
    with pytest.raises(PlaitError, match="architecture mistral: no standard class reads"):
        classes.classifier(windowed, DECODER, {}, torch.zeros(3, 32), torch.zeros(3))
