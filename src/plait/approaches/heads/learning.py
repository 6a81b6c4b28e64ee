"""The training of approach `heads`: what is learned of a row, and what of the model is kept."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModel

from plait.approaches.base import Resolved, Rows
from plait.approaches.heads.agreement import check_heads
from plait.approaches.heads.eager import Eager, pooler
from plait.approaches.heads.exporting import export
from plait.approaches.heads.kept import BACKBONE, GRAPH, SETTINGS, WEIGHTS, Kept, Reading
from plait.approaches.heads.model import Heads
from plait.approaches.heads.network import Network
from plait.approaches.heads.targets import targets_of
from plait.approaches.labelling import marks, thresholds
from plait.approaches.learning import Learned, tokenised
from plait.approaches.pretrained import limits, supported
from plait.approaches.reading.texts import Vocabulary
from plait.approaches.reading.tokenizers import load_tokenizer
from plait.approaches.tagging import classes
from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.settings import HeadsOptions, Training
from plait.tasks import Prediction, Row, SetPrediction, Task
from plait.training.batches import IGNORED, Batch, resolve_precision

# Their bars and notices would hide ours; what goes wrong is raised all the same.
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


class LearnedHeads(Learned, Heads):
    """A network and its tokenizer, to be trained and saved."""

    def __init__(self, module: Network, tokenizer: Any, kept: Kept) -> None:
        super().__init__(
            module.tasks, kept, Vocabulary.of(tokenizer), Eager(module, kept.precision)
        )
        self.module: Network = module
        self.pretrained, self.tokenizer = module.encoder, tokenizer
        self.without_graph: str | None = None

    @classmethod
    def build(cls, candidate: Resolved, backbone: Path, settings: Training) -> "LearnedHeads":
        """A pretrained backbone with fresh heads."""
        supported.body(backbone)
        encoder = AutoModel.from_pretrained(
            backbone,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            **pooler(backbone),
        )
        tokenizer = load_tokenizer(backbone, candidate.backbone)
        limits.check(candidate, encoder, settings.max_length)
        options = HeadsOptions.model_validate(candidate.options)
        decoder = read_json(backbone / "backbone.json")["kind"] == "decoder"
        reading = Reading(decoder, options.attention, options.causal_layers)
        _check_layers(candidate, reading, encoder.config.num_hidden_layers)
        precision = resolve_precision(settings.precision)
        network = Network(encoder, candidate.tasks, reading, options.weights)
        check_heads(network, settings.max_length)
        return cls(
            network, tokenizer, Kept(settings.max_length, precision, options.windows, reading)
        )

    def encoded(self, dataset: str, rows: Sequence[Row], cache: Path) -> Any:
        targets = tuple(f"target {task.name}" for task in self._tasks_of(dataset))
        return tokenised(
            lambda: self._examples(dataset, rows), ("input_ids", *targets), ("length",), cache
        )

    def _tasks_of(self, dataset: str) -> list[Task]:
        return [task for task in self.tasks if task.dataset == dataset]

    def _examples(self, dataset: str, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        tasks = self._tasks_of(dataset)
        slices = (slice_ for row in rows for slice_ in self.reach.rows(row, tasks))
        while part := list(islice(slices, 1000)):
            encoded = self.texts.encode([row.text for row in part], self.kept.max_length)
            for row, found in zip(part, encoded, strict=True):
                words = self.read_words(row.text, found)
                targets = {f"target {task.name}": targets_of(task, row, words) for task in tasks}
                yield {"input_ids": found.ids, "length": len(found.ids), **targets}

    def collate(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """Pad to the longest row; a classification target stands once, marks one a label, tags one
        a token.
        """
        padded = self.padded([row["input_ids"] for row in rows])
        length = padded["input_ids"].shape[1]
        targets: dict[str, torch.Tensor] = {}
        for task in self._tasks_of(dataset):
            values = [row[f"target {task.name}"] for row in rows]
            if task.kind == "tagging":
                values = [v + [IGNORED] * (length - len(v)) for v in values]
            targets[task.name] = torch.tensor(values)
        return Batch({name: torch.from_numpy(value) for name, value in padded.items()}, targets)

    def settle(self, dev: Rows) -> None:
        """Choose the thresholds of labels by the dev rows, cut into the slices that are read."""
        for dataset, rows in dev.items():
            tasks = [task for task in self._tasks_of(dataset) if task.kind == "multilabel"]
            slices = [part for row in rows for part in self.reach.rows(row, tasks)] if tasks else []
            answers = self.answers([part.text for part in slices], 64)
            for task in tasks:
                self._settle(task, slices, answers[task.name])

    def _settle(self, task: Task, rows: Sequence[Row], answers: Sequence[Prediction]) -> None:
        found = [
            (list(answer.probabilities.values()), marks(task, row.labels[task.field]))
            for row, answer in zip(rows, answers, strict=True)
            if isinstance(answer, SetPrediction) and row.labels.get(task.field) is not None
        ]
        if found:
            probabilities, gold = (np.array(part) for part in zip(*found, strict=True))
            least = torch.from_numpy(thresholds(probabilities, gold))
            self.module.thresholds(task.name).copy_(least)

    def save(self, folder: Path) -> None:
        """Plain transformers refuses to load it, which would leave out the heads.

        The backbone's configuration and tokenizer stand in a folder of their own.
        """
        (folder / BACKBONE).mkdir()
        self.module.encoder.config.save_pretrained(folder / BACKBONE)
        self.tokenizer.save_pretrained(folder / BACKBONE)
        state = self.module.state_dict()
        weights = {name: value.cpu().contiguous() for name, value in state.items()}
        save_file(weights, folder / WEIGHTS)
        vocabulary = {"vocabulary": self.texts.vocabulary.as_json()}
        write_json(folder / SETTINGS, {**self.kept.as_json(), **vocabulary})
        write_json(folder / "config.json", self._config())
        self.without_graph = export(self.module, folder, self.kept.max_length)

    def notes(self) -> list[str]:
        if self.without_graph:
            return [f"PyTorch computes the answers: {self.without_graph}."]
        return [
            f"ONNX Runtime computes the answers in float32, by {GRAPH} with the weights of "
            f"{WEIGHTS}. On a GPU PyTorch computes them, by the same weights."
        ]

    def _config(self) -> dict[str, Any]:
        """What a bundle is, for those who look for `config.json`."""
        return {
            "model_type": "plait-heads",  # unknown to transformers: it says so
            "load_with": "plait.bundle.load",
            "tasks": {
                task.name: {"kind": task.kind, "id2label": dict(enumerate(classes(task)))}
                for task in self.tasks
            },
        }


def _check_layers(candidate: Resolved, reading: Reading, layers: int) -> None:
    if reading.causal_layers >= layers:
        raise PlaitError(
            f"candidates.{candidate.name}.options.causal_layers: found {reading.causal_layers}, "
            f"but backbone {candidate.backbone!r} has {layers} layers: leave some of them "
            "bidirectional, or set attention to causal"
        )
