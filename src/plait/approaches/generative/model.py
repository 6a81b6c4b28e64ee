"""Approach `generative`: a prompt in, the labels out as text, bound to valid answers.

The setting of arXiv 2412.08587. Several tasks share one model by their prompts; with `joint` the
tasks of one dataset are answered together, in one answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plait.approaches.base import Resolved
from plait.approaches.generative.agreement import check_rows
from plait.approaches.generative.completion import Completion, pack, pad
from plait.approaches.learning import Learned, tokenised
from plait.approaches.prompting.answers import Form
from plait.approaches.prompting.asking import Asking, decoder_forms
from plait.approaches.prompting.decoder import Decoder
from plait.approaches.reading.coverage import Coverage
from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.settings import GenerativeOptions, Training
from plait.tasks import Prediction, Row, Task
from plait.training.batches import DTYPES, Batch, resolve_precision

PACKED = 256
"""Tokens of a packed row: attention's cost grows with the square of it, on a CPU noticeably."""


class Generative(Learned):
    """A decoder and its prompts."""

    def __init__(
        self, asking: Asking, tasks: tuple[Task, ...], settings: Mapping[str, Any]
    ) -> None:
        self.asking, self.tasks, self.settings = asking, tasks, dict(settings)
        self.decoder = asking.decoder
        self.pretrained = self.decoder.model
        self.module: nn.Module = Completion(self.pretrained)
        self.reach = self.decoder.reach(tasks, self.settings["windows"])
        self.packing = True

    @classmethod
    def build(cls, candidate: Resolved, backbone: Path, settings: Training) -> "Generative":
        """A pretrained decoder, before training; weights in float32."""
        precision = resolve_precision(settings.precision)
        decoder = Decoder.load(backbone, settings.max_length, torch.float32, precision)
        check_rows(decoder.model, settings.max_length)
        options = GenerativeOptions.model_validate(candidate.options)
        forms = decoder_forms(candidate.tasks, options.joint, decoder)
        asking = Asking(decoder, forms, options.decoding)
        asking.check(candidate.name)
        kept = {"max_length": settings.max_length, "precision": precision}
        model = cls(asking, candidate.tasks, {**kept, **options.model_dump()})
        model.packing = settings.packing
        return model

    def encoded(self, dataset: str, rows: Sequence[Row], cache: Path) -> Any:
        """One example for each row and form, if the row has all labels of the form.

        Raises:
            PlaitError: there is no example.
        """
        if next(self._examples(dataset, rows), None) is None:
            names = ", ".join(task.name for task in self.tasks if task.dataset == dataset)
            raise PlaitError(
                f"dataset {dataset!r}: no train row has labels for all of {names}, which are asked "
                "together; set options.joint to false for the candidate"
            )
        return tokenised(
            lambda: self._examples(dataset, rows), ("input_ids",), ("length", "answer"), cache
        )

    def _examples(self, dataset: str, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        for form in self.asking.forms:
            if form.tasks[0].dataset == dataset:
                prompt = self.asking.prompt(form)
                for row in self._slices(form, rows):
                    text, tokens = self.decoder.cut(row.text)
                    answer = form.write(text, row.labels)
                    ids = [*prompt.prefix, *tokens, *prompt.suffix, *answer]
                    yield {"input_ids": ids, "length": len(ids), "answer": len(answer)}

    def _slices(self, form: Form, rows: Sequence[Row]) -> Iterator[Row]:
        """Rows that have all labels of a form, long ones in slices."""
        # Tasks that are answered together are so in each slice, whether the label counts or not.
        classify = True if len(form.tasks) > 1 else None
        for row in rows:
            if all(row.labels.get(task.field) is not None for task in form.tasks):
                slices = self.reach.rows(row, form.tasks, classify)
                yield from (
                    s for s in slices if all(s.labels[t.field] is not None for t in form.tasks)
                )

    def forget(self) -> None:
        self.decoder.forget()

    def collate(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """Padded to the longest, or packed."""
        examples = [(row["input_ids"], row["answer"]) for row in rows]
        return pack(examples, PACKED) if self.packing else pad(examples)

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        return self.reach.answers(texts, lambda slices: self.asking.answers(slices, batch_size))

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        return self.reach.truncated(texts)

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        return self.reach.coverage(dataset, rows)

    def save(self, folder: Path) -> None:
        self.asking.save(folder, DTYPES[self.settings["precision"]])
        write_json(folder / "generative.json", self.settings)

    @classmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...]) -> "Generative":
        settings = read_json(folder / "generative.json")
        decoder = Decoder.ready(folder, settings["max_length"], settings["precision"])
        forms = decoder_forms(tasks, settings["joint"], decoder)
        return cls(Asking(decoder, forms, settings["decoding"]), tasks, settings)

    def remarks(self) -> dict[str, int]:
        return dict(self.asking.given)

    def parameters_count(self) -> int:
        return self.asking.parameters_count()
