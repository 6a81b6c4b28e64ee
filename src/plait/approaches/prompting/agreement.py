"""Whether a context of prefix, texts and branches gives a decoder's own scores."""

import torch
from transformers import PreTrainedModel

from plait.approaches.pretrained.agreement import PROMPT, agree, beyond, checking, own_scores
from plait.approaches.pretrained.limits import ordinary
from plait.approaches.pretrained.scaling import next_token_scores
from plait.approaches.prompting.context import Context, Tree
from plait.approaches.reading.texts import Tokens


def check_decoder(model: PreTrainedModel, max_length: int) -> None:
    """Compare the scores of next tokens: texts after a prefix that is read once, and branches.

    Raises:
        PlaitError: they differ from the model's own, or the model fails on the way.
    """
    with checking(model):
        length = beyond(model, max_length + PROMPT)
        ids = ordinary(model.config, length + 9)
        prefix, (a, b, c, d, *more) = ids[:length], ids[length:]
        branches: list[Tokens] = [tuple(more[:2]), (more[2],)]
        trees = [Tree.of((a, b, c, d), branches), Tree.of((d, a), [()])]
        context = Context(model, 1)
        context.look([Tree.of(prefix, [])[0]])
        context = context.repeated(2)
        hidden = context.look([tree for tree, _ in trees])
        found = [hidden[row, end] for row, (_, ends) in enumerate(trees) for end in ends]
        found.append(context.look([Tree.of((token,), [])[0] for token in more[3:]])[1, 0])
        own = [own_scores(model, [*prefix, a, b, c, d, *branch], 1) for branch in branches]
        own.append(own_scores(model, [*prefix, d, a, more[4]], 2))
        scores = next_token_scores(model.config, model.get_output_embeddings()(torch.stack(found)))
        agree(model, "the scores of next tokens", scores, torch.cat(own))
