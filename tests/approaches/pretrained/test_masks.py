"""Packed rows, trees and bidirectional decoders see what they should, whatever the architecture."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from conftest import INTENT
from plait.approaches.generative.completion import LOSS, Completion, pack, pad
from plait.approaches.heads.kept import Reading
from plait.approaches.heads.network import Network
from plait.approaches.pretrained.masks import fitted, kinds, look_back
from plait.approaches.pretrained.scaling import next_token_scores
from plait.approaches.prompting.context import Context, Tree
from plait.approaches.prompting.decoder import Decoder
from plait.errors import PlaitError
from plait.training.batches import IGNORED
from random_models import DECODERS, WINDOW, WINDOWED, decoder_of

PROMPT = list(range(10, 22))
EXAMPLES = [([*PROMPT, 31, 32, 33, 34, 35], 3), ([*PROMPT, 41, 42, 43], 2), ([*PROMPT, 51, 52], 1)]
CASES = [(kind, None) for kind in DECODERS] + [
    (kind, "eager") for kind in ("llama", "gemma3_text", "mistral", "gpt2", "qwen2")
]


def own(model: PreTrainedModel, tokens: Sequence[int]) -> Tensor:
    """The model's own logits at each token."""
    with torch.no_grad():
        logits: Tensor = model(torch.tensor([list(tokens)]), use_cache=False).logits[0]
    return logits


@pytest.mark.parametrize(("kind", "attention"), CASES)
def test_padded_and_packed_rows_score_as_the_model_does(kind: str, attention: str | None) -> None:
    model = decoder_of(kind, attention)
    loss = sum(
        torch.nn.functional.cross_entropy(
            own(model, tokens[:-1])[-answer:], torch.tensor(tokens[-answer:]), reduction="sum"
        )
        for tokens, answer in EXAMPLES
    )
    for batch in (pad(EXAMPLES), pack(EXAMPLES, 100), pack(EXAMPLES, 20)):
        found = Completion(model)(batch.inputs, batch.targets)[LOSS]
        assert float(found.detach()) == pytest.approx(float(loss), rel=1e-4)


@pytest.mark.parametrize("kind", ["gemma2", "gemma3_text", "mistral"])
def test_packed_rows_have_the_gradient_of_single_ones(kind: str) -> None:
    gradients = []
    for batches in ([pad([example]) for example in EXAMPLES], [pack(EXAMPLES, 18)]):
        model = decoder_of(kind)
        for batch in batches:
            Completion(model)(batch.inputs, batch.targets)[LOSS].backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        )
    assert torch.allclose(*gradients, rtol=1e-3, atol=1e-3 * float(gradients[0].abs().max()))


@pytest.mark.parametrize(("kind", "attention"), CASES)
def test_trees_after_a_cached_prefix_score_as_the_model_does(
    kind: str, attention: str | None
) -> None:
    """Two texts of different lengths, branches on one of them, and a token after all that."""
    model = decoder_of(kind, attention)
    begun = Context(model, 1)
    with torch.no_grad():
        begun.look([Tree.of(PROMPT, [])[0]])
        context = begun.repeated(3)
        context.keep([0, 2])
        stems, paths = [(31, 32, 33, 34, 35, 36), (41,)], [[(5, 6), (5, 7), (8,)], [()]]
        trees = [Tree.of(stem, some) for stem, some in zip(stems, paths, strict=True)]
        hidden = context.look([tree for tree, _ in trees])
        again = context.look([Tree.of((61,), [])[0], Tree.of((62,), [])[0]])
        head = model.get_output_embeddings()
        for row, (_, ends) in enumerate(trees):
            for end, path in zip(ends, paths[row], strict=True):
                expected = own(model, [*PROMPT, *stems[row], *path])[-1]
                found = next_token_scores(model.config, head(hidden[row, end]))
                assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3), (row, path)
            expected = own(model, [*PROMPT, *stems[row], 61 + row])[-1]
            found = next_token_scores(model.config, head(again[row, 0]))
            assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3), row


@pytest.mark.parametrize("kind", ["granite", "cohere", "hyperclovax", "gemma2"])
def test_chosen_tokens_have_the_probabilities_of_the_models_logits(kind: str) -> None:
    model, chosen = decoder_of(kind), [7, 40, 90]
    bare = Decoder.__new__(Decoder)
    bare.model = model
    with torch.no_grad():
        hidden = model.base_model(torch.tensor([PROMPT])).last_hidden_state[0, -1]
        found = bare.log_probabilities(hidden, chosen)
    assert torch.allclose(found, own(model, PROMPT)[-1][chosen].log_softmax(-1), atol=1e-4)


def inputs(*texts: Sequence[int]) -> dict[str, Tensor]:
    longest = max(map(len, texts))
    rows = [[*text, *[0] * (longest - len(text))] for text in texts]
    read = [[1] * len(text) + [0] * (longest - len(text)) for text in texts]
    return {"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(read)}


@pytest.mark.parametrize(("kind", "attention"), CASES)
@pytest.mark.parametrize("causal_layers", [0, 2])
def test_a_bidirectional_decoder_reads_a_batch_as_single_texts(
    kind: str, attention: str | None, causal_layers: int
) -> None:
    body = decoder_of(kind, attention).base_model
    reading = Reading(decoder=True, attention="bidirectional", causal_layers=causal_layers)
    network = Network(body, (INTENT,), reading)
    long, short = PROMPT, [31, 32, 33]
    with torch.no_grad():
        batch = network.hidden(inputs(long, short))
        alone = [network.hidden(inputs(text))[0] for text in (long, short)]
        assert torch.allclose(batch[0], alone[0], atol=1e-4)
        assert torch.allclose(batch[1, :3], alone[1], atol=1e-4)
        # the first token sees the second, so another one there changes it
        changed = network.hidden(inputs([PROMPT[0], 99, *PROMPT[2:]]))[0]
        assert not torch.allclose(changed[0], alone[0][0], atol=1e-3)


@pytest.mark.parametrize(("kind", "attention"), CASES)
def test_padding_that_sees_no_text_near_it_changes_no_gradient(
    kind: str, attention: str | None
) -> None:
    texts, gradients = [PROMPT, [31, 32, 33]], []
    for batches in ([texts], [[text] for text in texts]):
        body = decoder_of(kind, attention).base_model
        network = Network(body, (INTENT,), Reading(decoder=True, attention="bidirectional"))
        for batch in batches:
            targets = {"intent": torch.tensor([[texts.index(text)] for text in batch])}
            network(inputs(*batch), targets)["intent"].backward()
        found = [p.grad.flatten() for p in body.parameters() if p.grad is not None]
        gradients.append(torch.cat(found))
    assert torch.allclose(*gradients, rtol=1e-3, atol=1e-3 * float(gradients[0].abs().max()))


@pytest.mark.parametrize(("kind", "attention"), CASES)
def test_all_layers_made_causal_are_the_pretrained_model(kind: str, attention: str | None) -> None:
    body = decoder_of(kind, attention).base_model
    with torch.no_grad():
        own_vectors = body(torch.tensor([PROMPT])).last_hidden_state
    look_back(body, 4)
    network = Network(body, (INTENT,), Reading(decoder=True, attention="bidirectional"))
    with torch.no_grad():
        found = network.hidden(inputs(PROMPT))
    assert torch.allclose(found, own_vectors, atol=1e-4)


@pytest.mark.parametrize("kind", ["mistral", "phi3"])
def test_a_window_reaches_as_far_forwards_as_backwards(kind: str) -> None:
    """With one layer, tokens change with those nearer than the window, and with no others."""
    body = decoder_of(kind, num_hidden_layers=1).base_model
    network = Network(body, (INTENT,), Reading(decoder=True, attention="bidirectional"))
    middle = 6
    with torch.no_grad():
        before = network.hidden(inputs(PROMPT))[0]
        after = network.hidden(inputs([*PROMPT[:middle], 99, *PROMPT[middle + 1 :]]))[0]
    moved = ((before - after).norm(dim=-1) > 1e-4).nonzero().flatten().tolist()
    assert moved == list(range(middle - WINDOW + 1, middle + WINDOW))


@pytest.mark.parametrize("kind", WINDOWED)
def test_each_kind_of_layer_gets_its_own_mask(kind: str) -> None:
    model = decoder_of(kind)
    places = torch.arange(9)[None]
    found = fitted(model, torch.ones(9, 9, dtype=torch.bool).tril()[None, None], places, places)
    masks = found if isinstance(found, dict) else {"sliding_attention": found}
    assert set(masks) == {"sliding_attention", *kinds(model.config)}
    for name, mask in masks.items():
        seen = mask if mask.dtype == torch.bool else mask == 0
        narrow = seen[0, 0].sum(-1).tolist()
        expected = [min(i, WINDOW) if name == "sliding_attention" else i for i in range(1, 10)]
        assert narrow == expected, name


def test_where_nothing_is_to_be_done_the_mask_stays_the_same_tensor() -> None:
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool).tril()
    places = torch.arange(3)[None]
    assert fitted(decoder_of("llama", "sdpa"), mask, places, places) is mask


def test_layers_of_another_kind_are_refused_by_name() -> None:
    model = decoder_of("llama")
    model.config.layer_types = ["chunked_attention"] * 4
    mask = torch.ones(1, 1, 2, 2, dtype=torch.bool)
    with pytest.raises(PlaitError, match=r"architecture llama: layers of the kind chunked_att"):
        fitted(model, mask, torch.arange(2)[None], torch.arange(2)[None])


def test_layers_that_cannot_be_found_are_refused_by_name() -> None:
    body = decoder_of("llama").base_model
    body.config.num_hidden_layers = 7
    with pytest.raises(PlaitError, match=r"causal_layers: .* list of 7 layers is not found"):
        look_back(body, 2)


def test_a_batch_that_learns_is_not_changed() -> None:
    """The mask of a packed row stays boolean in the batch, which may be read again."""
    batch = pack(EXAMPLES, 100)
    Completion(decoder_of("gemma2"))(batch.inputs, batch.targets)
    assert batch.inputs["attention_mask"].dtype == torch.bool
    assert int((batch.targets[LOSS] != IGNORED).sum()) == 6
