"""Whether a network reads texts as its pretrained model does by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from plait.approaches.heads.network import Network
from plait.approaches.pretrained.agreement import LENGTH, agree, beyond, checking, difference
from plait.approaches.pretrained.limits import ordinary
from plait.approaches.pretrained.masks import architecture, look_back
from plait.errors import PlaitError


def check_heads(network: Network, max_length: int) -> None:
    """Compare the vectors of tokens: of a text alone, of texts in a batch, and looking back only.

    Raises:
        PlaitError: they differ from the model's own, or the model fails on the way.
    """
    model, bidirectional = network.encoder, network.reading.attention == "bidirectional"
    with checking(model):
        length = beyond(model, max_length) if bidirectional else min(LENGTH, max_length)
        ids = ordinary(model.config, length)
        texts = [ids, ids[: length // 2 + 1]]
        own = [model(_inputs(model, [text])["input_ids"]).last_hidden_state[0] for text in texts]
        alone = [network.hidden(_inputs(model, [text]), causal=True)[0] for text in texts]
        agree(model, "the vectors of a text alone", torch.cat(alone), torch.cat(own))
        if bidirectional:
            _check_bidirectional(network, ids, own[0])
            alone = [network.hidden(_inputs(model, [text]))[0] for text in texts]
        batch = network.hidden(_inputs(model, texts))
        read = torch.cat([batch[row, : len(text)] for row, text in enumerate(texts)])
        agree(model, "the vectors of texts in a batch", read, torch.cat(alone))


def _check_bidirectional(network: Network, ids: list[int], own: Tensor) -> None:
    """The first token sees the second; and layers that are told to look back only do so."""
    model = network.encoder
    inputs = _inputs(model, [ids[:2], [ids[0], ids[0]]])
    first = network.hidden(inputs)[:, 0]
    if difference(first[:1], first[1:]) == 0:
        raise PlaitError(
            f"architecture {architecture(model.config)}: options.attention: 'bidirectional' has no "
            "effect, as the model's layers look back only, whatever the mask. Leave the option out."
        )
    if network.reading.causal_layers:
        hooks = look_back(model, model.config.num_hidden_layers)
        found = network.hidden(_inputs(model, [ids]))[0]
        for hook in hooks:
            hook.remove()
        agree(model, "the vectors of a text with causal_layers", found, own)


def _inputs(model: PreTrainedModel, texts: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Texts with padding on the right, and which of their tokens are none."""
    longest_text = max(map(len, texts))
    pad = getattr(model.config, "pad_token_id", None) or 0
    gaps = [longest_text - len(text) for text in texts]
    columns = {
        "input_ids": [[*text, *[pad] * gap] for text, gap in zip(texts, gaps, strict=True)],
        "attention_mask": [
            [1] * len(text) + [0] * gap for text, gap in zip(texts, gaps, strict=True)
        ],
    }
    return {name: torch.tensor(rows, device=model.device) for name, rows in columns.items()}
