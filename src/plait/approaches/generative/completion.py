"""The training objective: the tokens of the right answer, given the prompt."""

from collections.abc import Mapping, Sequence
from itertools import takewhile

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from plait.approaches.pretrained.masks import Masks, fitted
from plait.approaches.pretrained.scaling import next_token_scores
from plait.training.batches import IGNORED, Batch

LOSS = "answer"


class Completion(nn.Module):
    """A causal language model. The vocabulary's scores are computed for answers alone."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """The cross-entropy summed over the answers' tokens.

        Args:
            inputs: `input_ids`, `attention_mask` (batch × length, or batch × 1 × length × length
                for packed rows) and, for packed rows, `position_ids`.
            targets: the next token at each place (batch × length); IGNORED in prompts.
        """
        wanted = targets[LOSS]
        learned = wanted != IGNORED
        logits = self.logits(inputs, learned)
        return {LOSS: nn.functional.cross_entropy(logits, wanted[learned], reduction="sum")}

    def logits(self, inputs: Mapping[str, Tensor], learned: Tensor) -> Tensor:
        """Scores of the next token (learned tokens × vocabulary)."""
        positions = inputs.get("position_ids")
        mask: Masks = inputs["attention_mask"]
        if positions is not None:
            mask = fitted(self.model, inputs["attention_mask"], positions, positions)
        taken = {**inputs, "attention_mask": mask}
        hidden = self.model.base_model(**taken, use_cache=False).last_hidden_state
        found = self.model.get_output_embeddings()(hidden[learned])
        return next_token_scores(self.model.config, found)


Example = tuple[Sequence[int], int]
"""Tokens of prompt and answer, and how many of them are the answer's."""


def next_tokens(example: Example) -> list[int]:
    """For each token the next one, as the training target."""
    tokens, answer = example
    silent = len(tokens) - answer - 1
    return [IGNORED] * silent + list(tokens[-answer:]) + [IGNORED]


def pad(examples: Sequence[Example]) -> Batch:
    """One example a row, filled up to the longest."""
    longest = max(len(tokens) for tokens, _ in examples)
    ids = [[*tokens, *[0] * (longest - len(tokens))] for tokens, _ in examples]
    mask = [[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens, _ in examples]
    targets = [
        [*next_tokens(example), *[IGNORED] * (longest - len(example[0]))] for example in examples
    ]
    inputs = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    return Batch(inputs, {LOSS: torch.tensor(targets)})


def pack(examples: Sequence[Example], longest: int) -> Batch:
    """Several examples a row, as many as fit into `longest` tokens; none attends to another.

    What all prompts begin with stands once a row, for all its examples. Positions go on from there
    with each example, so losses and gradients equal those of examples one by one.
    """
    shared = _shared(examples)
    bins = _bins([len(tokens) - shared for tokens, _ in examples], max(1, longest - shared))
    rows = [_row(examples, members, shared) for members in bins]
    length = max(len(ids) for ids, *_ in rows)
    ids, positions, targets, owner = (
        torch.tensor([[*column, *[empty] * (length - len(column))] for column in columns])
        for columns, empty in zip(zip(*rows, strict=True), (0, 0, IGNORED, EMPTY), strict=True)
    )
    seen = (owner[:, :, None] == owner[:, None, :]) | (owner == PROMPT)[:, None, :]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    mask = (seen & causal)[:, None]  # rows × 1 × length × length
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
    return Batch(inputs, {LOSS: targets})


PROMPT, EMPTY = -1, -2
"""Owners of a packed row's tokens that belong to no single example."""


def _shared(examples: Sequence[Example]) -> int:
    """Tokens with which all prompts begin; a prompt's last one, which learns, is its own."""
    prompts = [tokens[: len(tokens) - answer - 1] for tokens, answer in examples]
    places = zip(*prompts, strict=False)
    return sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, places))


def _row(
    examples: Sequence[Example], members: Sequence[int], shared: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Tokens, positions, tokens to be learned and owners of a packed row."""
    ids = list(examples[members[0]][0][:shared])
    positions, targets, owner = list(range(shared)), [IGNORED] * shared, [PROMPT] * shared
    for member in members:
        own = examples[member][0][shared:]
        ids += own
        positions += range(shared, shared + len(own))
        targets += next_tokens(examples[member])[shared:]
        owner += [member] * len(own)
    return ids, positions, targets, owner


def _bins(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Indices by row, about equally full: the longest first, each into the emptiest row."""
    bins: list[list[int]] = [[] for _ in range(-(-sum(lengths) // room))]
    used = [0] * len(bins)
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        emptiest = min(range(len(bins)), key=lambda b: used[b])
        if used[emptiest] and used[emptiest] + lengths[index] > room:
            bins.append([])
            used.append(0)
            emptiest = len(bins) - 1
        bins[emptiest].append(index)
        used[emptiest] += lengths[index]
    return [members for members in bins if members]
