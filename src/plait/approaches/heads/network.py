"""The network: one encoder, and on it one linear head per task."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from plait.approaches.heads.kept import THRESHOLDS, Reading
from plait.approaches.labelling import HALF
from plait.approaches.pretrained.masks import Masks, fitted, look_back
from plait.approaches.tagging import classes
from plait.tasks import Task
from plait.training.batches import IGNORED


class Network(nn.Module):
    """Encoder and heads. Heads are named by position: task names may hold dots."""

    def __init__(
        self,
        encoder: PreTrainedModel,
        tasks: Sequence[Task],
        reading: Reading | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.reading = reading or Reading()
        self.weights = weights or {}
        self.encoder = encoder
        self.tasks = tuple(tasks)
        size = encoder.config.hidden_size
        self.dropout = nn.Dropout(getattr(encoder.config, "hidden_dropout_prob", 0.0))
        self.heads = nn.ModuleList(nn.Linear(size, len(classes(task))) for task in tasks)
        for index, task in enumerate(tasks):
            if task.kind == "multilabel":
                self._begin_rare(index, len(task.labels))
        if self.reading.causal_layers:
            look_back(encoder, self.reading.causal_layers)

    def _begin_rare(self, index: int, labels: int) -> None:
        """One label of a row is expected, so that the loss begins near that of a softmax over as
        many labels (a prior as in Lin et al. 2017, "Focal Loss", arXiv 1708.02002).
        """
        nn.init.constant_(self.heads[index].get_parameter("bias"), -math.log(max(labels - 1, 1)))
        self.register_buffer(f"{THRESHOLDS}{index}", torch.full((labels,), HALF))

    def thresholds(self, name: str) -> Tensor:
        """From which probability each label of a multilabel task applies (labels)."""
        index = [task.name for task in self.tasks].index(name)
        return self.get_buffer(f"{THRESHOLDS}{index}")

    def logits(self, inputs: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
        """By task: (batch × classes), or for tagging (batch × length × classes)."""
        hidden = self.hidden(inputs)
        text = self._pooled(hidden, inputs["attention_mask"])
        return {
            task.name: head(self.dropout(text if task.whole_text else hidden))
            for task, head in zip(self.tasks, self.heads, strict=True)
            if task.name in names
        }

    def hidden(self, inputs: Mapping[str, Tensor], causal: bool = False) -> Tensor:
        """Vectors of the tokens (batch × length × size).

        Args:
            causal: let the tokens of a bidirectional decoder look back only, as in pretraining.
        """
        mask: Masks = inputs["attention_mask"]
        if self.reading.attention == "bidirectional":
            mask = self._mask(inputs["attention_mask"], causal)
        found: Tensor = self.encoder(inputs["input_ids"], attention_mask=mask).last_hidden_state
        return found

    def _mask(self, read: Tensor, causal: bool) -> Masks:
        """From which tokens are no padding (batch × length), which are attended to."""
        length = read.shape[1]
        mask = read.bool()[:, None, None, :].expand(-1, -1, length, -1)
        places = torch.arange(length, device=read.device)[None]
        return fitted(self.encoder, mask.tril() if causal else mask, places, places)

    def _pooled(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The texts' vectors (batch × size)."""
        if self.reading.pooling == "last":
            last = (mask.sum(1) - 1).clamp(min=0)[:, None, None]
            return hidden.gather(1, last.expand(-1, 1, hidden.shape[2]))[:, 0]
        shares = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * shares).sum(1) / shares.sum(1).clamp(min=1)

    def forward(
        self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """By task, the cross-entropy summed over its targets, times the task's weight.

        Where several labels may apply, a row's is the sum over its labels, in nats as a label's is.
        """
        several = {task.name for task in self.tasks if task.kind == "multilabel"}
        return {
            name: self.weights.get(name, 1.0)
            * (_binary if name in several else _categorical)(logits.float(), targets[name])
            for name, logits in self.logits(inputs, list(targets)).items()
        }


def _categorical(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    """Times the number of labels: the mean over targets, of which a row has one a label, is then
    the mean over rows of the sum over labels.
    """
    known = (targets != IGNORED).float()
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits, targets.clamp(min=0).float(), weight=known, reduction="sum"
    )
    return targets.shape[-1] * loss
