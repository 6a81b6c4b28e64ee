"""Approach `prompt`: a pretrained decoder, or the model of a chat endpoint, is asked in words.

Nothing is learned. The instruction names the labels, and up to k train rows stand in the prompt as
examples (k-shot; none: zero-shot).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from plait.approaches.base import Approach, Resolved, Rows
from plait.approaches.prompt.endpoint import Endpoint
from plait.approaches.prompt.examples import Fixed, Nearest, drawn
from plait.approaches.prompting.answers import usable
from plait.approaches.prompting.asking import Asking, Shots, decoder_forms
from plait.approaches.prompting.decoder import Decoder
from plait.approaches.reading.coverage import Coverage
from plait.approaches.reading.reach import Reach
from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.settings import PromptOptions, Training
from plait.tasks import Prediction, Row, Task, read_rows, write_rows
from plait.training.batches import DTYPES, resolve_precision, use_all_cores

EXAMPLES = "examples.jsonl"
VECTORS = "examples.safetensors"


class Prompted(Approach):
    """A model and the rows that may be examples in its prompt."""

    def __init__(
        self, tasks: tuple[Task, ...], settings: Mapping[str, Any], asking: Asking | Endpoint
    ) -> None:
        self.tasks, self.settings, self.asking = tasks, dict(settings), asking
        self.reach = None if isinstance(asking, Endpoint) else self._reach(asking)
        self.rows: list[Row] = []
        self.vectors: Any = None

    def _reach(self, asking: Asking) -> Reach:
        return asking.decoder.reach(self.tasks, self.settings["windows"])

    @classmethod
    def train(
        cls, candidate: Resolved, backbone: Path, train: Rows, dev: Rows, scratch: Path
    ) -> "Prompted":
        training = Training.model_validate(candidate.training)
        use_all_cores(training.threads)
        options = PromptOptions.model_validate(candidate.options)
        settings = {
            "max_length": training.max_length,
            "precision": resolve_precision(training.precision),
            **options.model_dump(),
            "backbone": read_json(backbone / "backbone.json"),
        }
        asking = _asking(backbone, candidate.tasks, settings, packed=False)
        model = cls(candidate.tasks, settings, asking)
        model.check_reading(candidate, train)
        model._choose(options, train, candidate.seed)
        model.asking.check(candidate.name)
        return model

    def _choose(self, options: PromptOptions, train: Rows, seed: int) -> None:
        """Take the examples from train rows."""
        if not options.shots:
            return
        form, *others = self.asking.forms
        if others:
            raise PlaitError(
                "options.shots: examples need tasks of one dataset, answered together; set "
                "options.joint, or make a candidate for each task"
            )
        rows = usable(form, train[form.tasks[0].dataset])
        if options.examples == "seed":
            self.rows = drawn(form, rows, options.shots, seed)
        else:
            self.rows = rows
            self.vectors = self.asking.embed([row.text for row in rows])
        self.asking.shots = self._shots()

    def _shots(self) -> Shots:
        if self.vectors is None:
            return Fixed(self.rows)
        return Nearest(self.rows, self.vectors, self.settings["shots"], self.asking.embed)

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        def answers(slices: Sequence[str]) -> dict[str, list[Prediction]]:
            return self.asking.answers(slices, batch_size)

        return self.reach.answers(texts, answers) if self.reach else answers(texts)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        return self.reach.truncated(texts) if self.reach else super().truncated(texts)

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        found = self.reach.coverage(dataset, rows) if self.reach else None
        return found or super().coverage(dataset, rows)

    def remarks(self) -> dict[str, int]:
        return dict(self.asking.given)

    def save(self, folder: Path) -> None:
        self.asking.save(folder, DTYPES[self.settings["precision"]])
        write_json(folder / "prompt.json", self.settings)
        write_rows(folder / EXAMPLES, self.rows)
        if self.vectors is not None:
            save_file({"vectors": self.vectors}, folder / VECTORS)

    @classmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...]) -> "Prompted":
        settings = read_json(folder / "prompt.json")
        model = cls(tasks, settings, _asking(folder, tasks, settings))
        model.rows = read_rows(folder / EXAMPLES)
        if (folder / VECTORS).exists():
            model.vectors = load_file(folder / VECTORS)["vectors"]
        if model.rows:
            model.asking.shots = model._shots()
        return model

    def parameters_count(self) -> int:
        return self.asking.parameters_count()


def _asking(
    folder: Path, tasks: tuple[Task, ...], settings: Mapping[str, Any], packed: bool = True
) -> "Asking | Endpoint":
    if settings["backbone"]["kind"] == "endpoint":
        return Endpoint(settings["backbone"]["model"], tasks, settings["joint"])
    decoder = Decoder.ready(folder, settings["max_length"], settings["precision"], packed)
    forms = decoder_forms(tasks, settings["joint"], decoder)
    return Asking(decoder, forms, settings["decoding"], labels=True)
