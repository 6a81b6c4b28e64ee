"""Whether padded and packed rows give a decoder's own scores, before it learns from them."""

import torch
from transformers import PreTrainedModel

from plait.approaches.generative.completion import LOSS, Completion, pack, pad
from plait.approaches.pretrained.agreement import PROMPT, agree, beyond, checking, own_scores
from plait.approaches.pretrained.limits import ordinary
from plait.training.batches import IGNORED


def check_rows(model: PreTrainedModel, max_length: int) -> None:
    """Compare the scores of answers in a padded batch, and in a packed row, with the model's own.

    Raises:
        PlaitError: they differ, or the model fails on the way.
    """
    with checking(model):
        length = beyond(model, max_length + PROMPT)
        ids = ordinary(model.config, length + 12)
        prompt, rest = ids[:length], ids[length:]
        examples = [
            ([*prompt, *rest[:7]], 3),
            ([*prompt, *rest[7:]], 2),
        ]  # longest first, as packed
        own = torch.cat([own_scores(model, ids[:-1], answer) for ids, answer in examples])
        room = sum(len(ids) for ids, _ in examples)
        for name, batch in (("padded", pad(examples)), ("packed", pack(examples, room))):
            inputs = {key: value.to(model.device) for key, value in batch.inputs.items()}
            learned = (batch.targets[LOSS] != IGNORED).to(model.device)
            found = Completion(model).logits(inputs, learned)
            agree(model, f"the scores of answers in {name} rows", found, own)
