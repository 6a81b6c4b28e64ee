"""What plait computes is compared with the model's own forward, which nothing then remembers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, PreTrainedModel

from conftest import INTENT, candidate
from plait.approaches.generative.agreement import check_rows
from plait.approaches.heads import Heads
from plait.approaches.heads.agreement import check_heads
from plait.approaches.heads.kept import Reading
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.heads.network import Network
from plait.approaches.pretrained import masks, scaling
from plait.approaches.pretrained.agreement import agree, checking
from plait.approaches.prompting import agreement as asked
from plait.approaches.prompting.agreement import check_decoder
from plait.approaches.prompting.decoder import Decoder
from plait.errors import PlaitError
from plait.settings import Training
from random_models import DECODERS, config_of, decoder_of

BOTH_WAYS = Reading(decoder=True, attention="bidirectional")


def check_bidirectional(model: PreTrainedModel, max_length: int) -> None:
    check_heads(Network(model.base_model, (INTENT,), BOTH_WAYS), max_length)


CHECKS = [check_decoder, check_rows, check_bidirectional]
Check = Callable[[PreTrainedModel, int], None]


@pytest.mark.parametrize("kind", DECODERS)
def test_architectures_that_plait_reads_rightly_pass(kind: str) -> None:
    model = decoder_of(kind)
    for check in CHECKS:
        check(model, 32)
    lower = Reading(decoder=True, attention="bidirectional", causal_layers=2)
    for reading in (Reading(decoder=True), lower):
        check_heads(Network(model.base_model, (INTENT,), reading), 32)


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert", "albert"])
def test_encoders_pass(kind: str) -> None:
    sizes = {"embedding_size": 32, "pad_token_id": 1 if kind == "roberta" else 0}
    check_heads(Network(AutoModel.from_config(config_of(kind, **sizes)), (INTENT,)), 32)


@pytest.mark.parametrize("check", CHECKS)
def test_boolean_masks_that_are_added_are_found(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masks, "_typed", lambda _model, mask: mask)
    with pytest.raises(PlaitError, match=r"architecture gemma2: .* differ from the model's own by"):
        check(decoder_of("gemma2"), 32)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", ["mistral", "gemma3_text", "qwen2"])
def test_windows_that_are_left_out_are_found(
    kind: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masks, "_within", lambda mask, *_: mask)
    with pytest.raises(PlaitError, match=f"architecture {kind}: .* differ from the model's own"):
        check(decoder_of(kind), 32)


@pytest.mark.parametrize("kind", ["granite", "cohere", "hyperclovax"])
def test_scores_that_are_not_scaled_are_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "next_token_scores", lambda _config, logits: logits.float())
    with pytest.raises(PlaitError, match=rf"architecture {kind}: the scores of next tokens differ"):
        check_decoder(decoder_of(kind), 32)
    monkeypatch.undo()
    monkeypatch.setattr(scaling, "MULTIPLYING", ())
    if kind == "hyperclovax":
        with pytest.raises(PlaitError, match="the scores of next tokens differ"):
            check_decoder(decoder_of(kind), 32)


@pytest.mark.parametrize("check", CHECKS)
def test_an_encoder_is_no_decoder(check: Check) -> None:
    """Its own forward sees both ways, so a mask that looks back is not its own."""
    with pytest.raises(PlaitError, match=r"architecture bert: .* differ from the model's own"):
        check(decoder_of("bert"), 32)


def test_a_model_that_stays_causal_is_told_from_one_that_sees_both_ways() -> None:
    model = decoder_of("gpt_neo", attention_types=[[["global"], 4]], num_layers=4, num_heads=4)
    with pytest.raises(PlaitError, match=r"options.attention: 'bidirectional' has no effect"):
        check_bidirectional(model, 32)
    check_decoder(model, 32)


def test_a_model_without_vectors_of_tokens_is_named() -> None:
    model = AutoModel.from_config(config_of("dpr"))
    with pytest.raises(PlaitError, match=r"architecture dpr: .*'last_hidden_state'"):
        check_heads(Network(model, (INTENT,)), 32)


def test_what_an_architecture_raises_names_it() -> None:
    model = decoder_of("llama")
    with (
        pytest.raises(PlaitError, match=r"architecture llama: .* \(KeyError: 'h'\)\. Use another"),
        checking(model),
    ):
        raise KeyError("h")


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(PlaitError, match="differ from the model's own by nan"):
        agree(decoder_of("llama"), "scores", torch.full((1, 2), torch.nan), torch.ones(1, 2))


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_leaves_no_trace(check: Check) -> None:
    """A training after it draws the same numbers, in the same modes, with the same weights."""
    model = decoder_of("gemma2", attention_dropout=0.5).train()
    network = Network(model.base_model, (INTENT,), BOTH_WAYS)  # its heads draw numbers
    model.base_model.layers[1].eval()
    modes = [module.training for module in model.modules()]
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    check_heads(network, 32) if check is check_bidirectional else check(model, 32)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert all(not module._forward_pre_hooks for module in model.modules())


def test_short_texts_do_when_no_text_exceeds_a_window() -> None:
    lengths: list[int] = []
    model = decoder_of("mistral", sliding_window=50)
    model.base_model.register_forward_pre_hook(
        lambda _module, _args, given: (
            lengths.append(given["attention_mask"].shape[-1])
            if given.get("attention_mask") is not None
            else None
        ),
        with_kwargs=True,
    )
    check_bidirectional(model, 32)
    assert max(lengths) < 50
    check_bidirectional(model, 64)
    assert max(lengths) > 50


def test_a_bundle_and_a_backbone_are_checked(
    tiny_encoder: Path, tiny_decoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that are not what plait would read are refused when they are loaded."""
    made = candidate(INTENT)
    heads = LearnedHeads.build(made, tiny_encoder, Training.model_validate(made.training))
    heads.save(tmp_path)
    monkeypatch.setattr(asked, "next_token_scores", lambda _config, logits: -logits.float())
    with pytest.raises(PlaitError, match="the scores of next tokens differ"):
        Decoder.load(tiny_decoder, 32, torch.float32)
    hidden = Network.hidden
    monkeypatch.setattr(Network, "hidden", lambda *given, **how: -hidden(*given, **how))
    for load in (
        lambda: Heads.load(tmp_path, (INTENT,)),
        lambda: LearnedHeads.build(made, tiny_encoder, Training.model_validate(made.training)),
    ):
        with pytest.raises(PlaitError, match="the vectors of a text alone differ"):
            load()


def test_bfloat16_weights_pass_and_wrong_masks_in_them_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = decoder_of("gemma2").to(torch.bfloat16)
    check_decoder(model, 32)
    monkeypatch.setattr(masks, "_typed", lambda _model, mask: mask)
    with pytest.raises(PlaitError, match=r"expected at most 0\.1"):
        check_decoder(model, 32)
