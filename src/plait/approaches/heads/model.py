"""Approach `heads`: a shared encoder or decoder and one linear head per task.

A classification head reads the mean of the token vectors, or the last one in a decoder whose tokens
look back only; so does a multilabel head, whose labels have a sigmoid each. A tagging head reads
the vector of each word's first sub-word, in a decoder of its last, and answers with the most
probable well-formed tags. A row that carries several labels goes through the backbone once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel

from plait.approaches.base import Resolved, Rows
from plait.approaches.heads.agreement import check_heads
from plait.approaches.heads.network import Network, Reading
from plait.approaches.heads.words import choice, several, spans, targets_of
from plait.approaches.labelling import marks, thresholds
from plait.approaches.learning import Learned, tokenised
from plait.approaches.prepacked import parameters_count, prepack, to_device
from plait.approaches.pretrained import limits, supported
from plait.approaches.reading.coverage import Coverage
from plait.approaches.reading.reach import Reach
from plait.approaches.reading.texts import Encoded, Texts, units
from plait.approaches.reading.tokenizers import load_tokenizer
from plait.approaches.tagging import classes
from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.segmentation import Place
from plait.settings import HeadsOptions, Training
from plait.tasks import Prediction, Row, SetPrediction, Task
from plait.training.batches import IGNORED, Batch, resolve_precision
from plait.training.memory import ANSWERS, memory_for

BACKBONE, WEIGHTS = "backbone", "heads.safetensors"

# Their bars and notices would hide ours; what goes wrong is raised all the same.
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


class Heads(Learned):
    """A network, its tokenizer and the maximum length of a text."""

    def __init__(
        self,
        module: Network,
        tokenizer: Any,
        max_length: int,
        precision: str,
        windows: bool = False,
    ) -> None:
        self.module: Network = module
        self.pretrained, self.tokenizer = module.encoder, tokenizer
        self.tasks, self.max_length, self.precision = module.tasks, max_length, precision
        self.texts = Texts(tokenizer, begin=module.reading.decoder)
        self.reach = Reach(
            self.tasks, self.texts.room(max_length), self.texts.whole, self._places, windows
        )

    @classmethod
    def build(cls, candidate: Resolved, backbone: Path, settings: Training) -> "Heads":
        """A pretrained backbone with fresh heads."""
        supported.body(backbone)
        encoder = AutoModel.from_pretrained(
            backbone,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            **_pooler(backbone),
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
        return cls(network, tokenizer, settings.max_length, precision, options.windows)

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
            encoded = self.texts.encode([row.text for row in part], self.max_length)
            for row, found in zip(part, encoded, strict=True):
                words = self._words(row.text, found)
                targets = {f"target {task.name}": targets_of(task, row, words) for task in tasks}
                yield {"input_ids": found.ids, "length": len(found.ids), **targets}

    def _words(self, text: str, encoded: Encoded) -> list[tuple[int, Place]]:
        return units(text, encoded, self.module.reading.decoder)

    def _places(self, text: str, encoded: Encoded) -> list[Place]:
        return [place for _, place in self._words(text, encoded)]

    def collate(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """Pad to the longest row; a classification target stands once, marks one a label, tags one
        a token.
        """
        inputs = self._pad([row["input_ids"] for row in rows])
        length = inputs["input_ids"].shape[1]
        targets: dict[str, Tensor] = {}
        for task in self._tasks_of(dataset):
            values = [row[f"target {task.name}"] for row in rows]
            if task.kind == "tagging":
                values = [v + [IGNORED] * (length - len(v)) for v in values]
            targets[task.name] = torch.tensor(values)
        return Batch(inputs, targets)

    def _pad(self, ids: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """On the right, whatever side the tokenizer pads: positions count from the left."""
        rows = [torch.tensor(row) for row in ids]
        padded = pad_sequence(rows, batch_first=True, padding_value=self.texts.padding)
        lengths = torch.tensor([len(row) for row in ids])
        mask = torch.arange(padded.shape[1]) < lengths[:, None]
        return {"input_ids": padded, "attention_mask": mask.long()}

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        self.module.eval()
        return self.reach.answers(texts, lambda slices: self._answers(slices, batch_size))

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        return self.reach.truncated(texts)

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        return self.reach.coverage(dataset, rows)

    @torch.inference_mode()
    def _answers(self, texts: Sequence[str], batch_size: int) -> dict[str, list[Prediction]]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        answers: dict[str, list[Prediction]] = {task.name: [()] * len(texts) for task in self.tasks}
        for begin in range(0, len(texts), batch_size):
            places = order[begin : begin + batch_size]
            batch = self._answer([texts[i] for i in places])
            for name, found in batch.items():
                for place, answer in zip(places, found, strict=True):
                    answers[name][place] = answer
        return answers

    def _answer(self, texts: Sequence[str]) -> dict[str, list[Prediction]]:
        encoded = self.texts.encode(texts, self.max_length)
        device = next(self.module.parameters()).device
        padded = self._pad([e.ids for e in encoded])
        size = "{} texts of {} tokens".format(*padded["input_ids"].shape)
        with (
            memory_for(f"in answering {size} at once", ANSWERS),
            torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"),
        ):
            inputs = {name: value.to(device) for name, value in padded.items()}
            logits = self.module.logits(inputs, [task.name for task in self.tasks])
        read = list(zip(texts, encoded, strict=True))
        return {
            task.name: list(self._predictions(task, logits[task.name].float(), read))
            for task in self.tasks
        }

    def _predictions(
        self, task: Task, logits: Tensor, read: Sequence[tuple[str, Encoded]]
    ) -> Iterator[Prediction]:
        if task.kind == "multilabel":
            least = self.module.thresholds(task.name)
            yield from (several(task, row, least) for row in logits.sigmoid().cpu())
            return
        for row, (text, found) in zip(logits.softmax(-1).cpu(), read, strict=True):
            if task.kind == "classification":
                yield choice(task, row)
            else:
                yield spans(task, row, self._words(text, found))

    def settle(self, dev: Rows) -> None:
        """Choose the thresholds of labels by the dev rows, cut into the slices that are read."""
        self.module.eval()
        for dataset, rows in dev.items():
            tasks = [task for task in self._tasks_of(dataset) if task.kind == "multilabel"]
            slices = [part for row in rows for part in self.reach.rows(row, tasks)] if tasks else []
            answers = self._answers([part.text for part in slices], 64)
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
        kept = {
            "max_length": self.max_length,
            "precision": self.precision,
            "windows": self.reach.classify,
        }
        write_json(folder / "heads.json", {**kept, **asdict(self.module.reading)})
        write_json(folder / "config.json", self._config())

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

    @classmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...]) -> "Heads":
        settings, own = read_json(folder / "heads.json"), folder / BACKBONE
        config = supported.body(own)
        encoder = AutoModel.from_config(config, trust_remote_code=False, **_pooler(own))
        reading = {name: settings.pop(name) for name in asdict(Reading())}
        module = Network(encoder, tasks, Reading(**reading))
        module.load_state_dict(load_file(folder / WEIGHTS))
        to_device(module)
        check_heads(module, settings["max_length"])
        prepack(encoder, settings["precision"])
        return cls(module, load_tokenizer(own, BACKBONE), **settings)

    def parameters_count(self) -> int:
        return parameters_count(self.module)


def _check_layers(candidate: Resolved, reading: Reading, layers: int) -> None:
    if reading.causal_layers >= layers:
        raise PlaitError(
            f"candidates.{candidate.name}.options.causal_layers: found {reading.causal_layers}, "
            f"but backbone {candidate.backbone!r} has {layers} layers: leave some of them "
            "bidirectional, or set attention to causal"
        )


def _pooler(folder: Path) -> dict[str, bool]:
    """Leave out the pooler of BERT and RoBERTa, which no head uses."""
    kind = read_json(folder / "config.json").get("model_type")
    return {"add_pooling_layer": False} if kind in ("bert", "roberta", "xlm-roberta") else {}
