"""The network: one encoder, and on it one linear head per task."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from transformers import PreTrainedModel

from plait.batches import IGNORED
from plait.tagging import tag_names
from plait.tasks import Task


class Network(nn.Module):
    """Encoder and heads. Heads are named by position: task names may hold dots."""

    def __init__(self, encoder: PreTrainedModel, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.encoder = encoder
        self.tasks = tuple(tasks)
        size = encoder.config.hidden_size
        self.dropout = nn.Dropout(getattr(encoder.config, "hidden_dropout_prob", 0.0))
        self.heads = nn.ModuleList(nn.Linear(size, classes_count(task)) for task in tasks)

    def logits(self, inputs: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
        """By task: (batch × classes), or for tagging (batch × length × classes)."""
        hidden = self.encoder(**inputs).last_hidden_state  # batch × length × size
        mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)  # batch × size
        return {
            task.name: head(self.dropout(mean if task.kind == "classification" else hidden))
            for task, head in zip(self.tasks, self.heads, strict=True)
            if task.name in names
        }

    def forward(
        self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """By task, the cross-entropy summed over its targets."""
        return {
            name: nn.functional.cross_entropy(
                logits.float().flatten(0, -2),
                targets[name].flatten(),
                ignore_index=IGNORED,
                reduction="sum",
            )
            for name, logits in self.logits(inputs, list(targets)).items()
        }


def classes_count(task: Task) -> int:
    """Outputs of the task's head."""
    return len(task.labels if task.kind == "classification" else tag_names(task.labels))
