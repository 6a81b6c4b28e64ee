"""What is learned: the tokens of the right answer, given the prompt."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from plait.batches import IGNORED, Batch

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
        hidden = self.model.base_model(**inputs, use_cache=False).last_hidden_state
        wanted = targets[LOSS]
        learned = wanted != IGNORED
        logits = self.model.get_output_embeddings()(hidden[learned])  # answer tokens × vocabulary
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        logits = torch.tanh(logits.float() / cap) * cap if cap else logits.float()
        return {LOSS: nn.functional.cross_entropy(logits, wanted[learned], reduction="sum")}


Example = tuple[Sequence[int], int]
"""Tokens of prompt and answer, and how many of them are the answer's."""


def next_tokens(example: Example) -> list[int]:
    """For each token the one to be learned after it."""
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

    Positions begin anew with each example, so losses equal those of examples one by one.
    """
    bins = _bins([len(tokens) for tokens, _ in examples], longest)
    length = max(sum(len(examples[i][0]) for i in row) for row in bins)
    ids = torch.zeros(len(bins), length, dtype=torch.long)
    positions = torch.zeros_like(ids)
    targets = torch.full_like(ids, IGNORED)
    owner = torch.full_like(ids, -1)
    for row, members in enumerate(bins):
        begin = 0
        for member in members:
            tokens = examples[member][0]
            place = slice(begin, begin := begin + len(tokens))
            ids[row, place] = torch.tensor(tokens)
            positions[row, place] = torch.arange(len(tokens))
            targets[row, place] = torch.tensor(next_tokens(examples[member]))
            owner[row, place] = member
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    mask = ((owner[:, :, None] == owner[:, None, :]) & causal)[:, None]  # rows × 1 × length²
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
    return Batch(inputs, {LOSS: targets})


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
