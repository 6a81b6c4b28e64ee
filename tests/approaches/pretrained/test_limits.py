"""Texts are as long as a model reads, and no longer, whatever its configuration says."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, BloomConfig, PreTrainedModel, XLNetConfig

from conftest import INTENT, candidate
from plait.approaches.base import Resolved
from plait.approaches.pretrained.limits import check, longest, ordinary
from plait.approaches.prompting.asking import Asking, decoder_forms
from plait.approaches.prompting.decoder import Decoder
from plait.errors import PlaitError
from random_models import config_of, decoder_of


def body_of(kind: str, **changed: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModel.from_config(config_of(kind, **changed))
    return model.eval()


def reads(model: PreTrainedModel, length: int) -> bool:
    with torch.no_grad():
        try:
            model(torch.full((1, length), 7))
        except (IndexError, RuntimeError):
            return False
    return True


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("bert", {}, 128),
        ("roberta", {"pad_token_id": 1}, 126),
        ("xlm-roberta", {"pad_token_id": 1}, 126),
        ("mpnet", {"pad_token_id": 1}, 126),
        ("distilbert", {}, 128),
        ("gpt2", {}, 128),
        ("opt", {"ffn_dim": 64, "word_embed_proj_dim": 32}, 128),
        ("biogpt", {}, 128),
    ],
)
def test_the_limit_is_the_longest_text_that_is_read(
    kind: str, changed: dict[str, Any], expected: int
) -> None:
    model = body_of(kind, **changed)
    assert longest(model) == expected
    assert reads(model, expected)
    assert not reads(model, expected + 1)


def test_positions_that_are_computed_are_limited_by_the_configuration_alone() -> None:
    assert longest(body_of("llama")) == 128


@pytest.mark.parametrize(
    "config",
    [
        BloomConfig(hidden_size=32, n_head=4, n_layer=2),
        XLNetConfig(d_model=32, n_head=4, n_layer=2, d_inner=64),
    ],
    ids=lambda config: config.model_type,
)
def test_some_models_have_no_limit(config: Any) -> None:
    assert longest(AutoModel.from_config(config)) is None


def test_a_longer_setting_is_refused_with_the_limit() -> None:
    made, model = candidate(INTENT), body_of("roberta", pad_token_id=1)
    check(made, model, 126)
    for length in (127, 128):
        with pytest.raises(PlaitError) as told:
            check(made, model, length)
        assert str(told.value) == (
            f"candidates.tiny-intent.training.max_length: {length} tokens, but backbone 'tiny' "
            "reads at most 126. Lower max_length."
        )


def test_a_model_that_fails_at_that_length_is_refused_too() -> None:
    """One whose table of positions is smaller than its configuration says, by another name."""
    model = body_of("bert")
    table = model.embeddings.position_embeddings
    model.embeddings.position_embeddings = torch.nn.Sequential(
        torch.nn.Embedding(table.num_embeddings - 28, table.embedding_dim)
    )
    assert longest(model) == 128
    check(candidate(INTENT), model, 100)
    with pytest.raises(PlaitError, match=r"fails to read that many \(IndexError: .*Lower max_len"):
        check(candidate(INTENT), model, 101)


def test_the_check_draws_no_random_number_and_keeps_the_mode() -> None:
    model = body_of("bert").train()
    state = torch.get_rng_state()
    check(candidate(INTENT), model, 100)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in model.modules())


def test_a_decoders_context_is_what_it_reads(tiny_decoder: Path) -> None:
    """Prompt, text and answer share the places that RoBERTa-like tables have."""
    decoder = Decoder.load(tiny_decoder, 32, torch.float32)
    decoder.model = decoder_of("roberta", pad_token_id=1, max_position_embeddings=64)
    asking = Asking(decoder, decoder_forms((INTENT,), True, decoder), "constrained")
    with pytest.raises(PlaitError, match="context of 62 tokens has room for texts of"):
        asking.check("c")


def test_ordinary_tokens_are_always_the_same_and_no_marks() -> None:
    config = config_of("llama", vocab_size=5)
    found = ordinary(config, 50)
    assert found == ordinary(config, 50)
    assert set(found) <= {3, 4}
    assert len(ordinary(config_of("llama"), 7)) == 7


def test_candidates_are_named() -> None:
    made = Resolved("mine", "robot", "heads", "full", (INTENT,), {}, 0)
    with pytest.raises(PlaitError, match=r"candidates\.mine\..* backbone 'robot' reads at most"):
        check(made, body_of("bert"), 129)
