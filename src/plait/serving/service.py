"""Serving: a service's champion, loaded once, answers texts.

>>> from plait.serving import Service
>>> assistant = Service.load("assistant")
>>> reply, = assistant.answer(["turn on the kitchen lights"])
>>> reply.answers["intent"].label
'HassTurnOn'
>>> [(span.label, reply.text[span.start : span.end]) for span in reply.answers["slots"]]
[('area', 'kitchen')]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait import bundle
from plait.approaches.base import Approach
from plait.registry.records import Record
from plait.registry.stage import Stage
from plait.registry.store import Registry
from plait.registry.unpacking import unpack
from plait.serving.texts import check_text
from plait.tasks import LabelPrediction, Prediction, SetPrediction, Span


@dataclass(frozen=True)
class Reply:
    """A text and the answer to each task of the service.

    `truncated` says that the text is too long for a model: some answer rests on a part of it.
    """

    text: str
    answers: Mapping[str, Prediction]
    truncated: bool

    def as_json(self, top: int = 1) -> dict[str, Any]:
        """The reply as JSON values.

        Args:
            top: how many labels of a classification are listed, likeliest first.

        Returns:
            `{"text", "truncated", "answers": {TASK: …}}`; a classification is `{"label",
            "probability", "top": [{"label", "probability"}, …]}`, a multilabel answer `{"labels":
            [{"label", "probability"}, …]}` in the task's order, a tagging `[{"start", "end",
            "label", "text", "probability"}, …]` with offsets in characters, `end` excluded.
        """
        return {
            "text": self.text,
            "truncated": self.truncated,
            "answers": {
                task: _answer(self.text, answer, top) for task, answer in self.answers.items()
            },
        }


def _answer(text: str, answer: Prediction, top: int) -> Any:
    if isinstance(answer, LabelPrediction):
        return _choice(answer, top)
    if isinstance(answer, SetPrediction):
        return {"labels": [_labelled(name, answer.probabilities[name]) for name in answer.labels]}
    return [_span(text, span) for span in answer]


def _labelled(label: str, probability: float) -> dict[str, Any]:
    return {"label": label, "probability": round(probability, 6)}


def _choice(choice: LabelPrediction, top: int) -> dict[str, Any]:
    ranked = sorted(choice.probabilities.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    return {
        "label": choice.label,
        "probability": round(choice.probabilities[choice.label], 6),
        "top": [_labelled(label, value) for label, value in ranked],
    }


def _span(text: str, span: Span) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "text": text[span.start : span.end],
        "probability": round(span.probability, 6),
    }


class Service:
    """A service's champion: each bundle is loaded once and answers as often as asked."""

    def __init__(self, champion: Record, models: Mapping[str, Approach]) -> None:
        self.champion, self.models = champion, models

    @classmethod
    def load(
        cls, name: str | None = None, root: Path = Path(), stage: Stage = "production"
    ) -> "Service":
        """Load the champion of a service.

        Args:
            name: the service; None where there is only one.
            root: the project's folder, whose registry is read.
            stage: the stage whose champion is wanted.

        Raises:
            PlaitError: no champion, an unknown service, several and none named, or a promoted
                bundle that was altered.
        """
        registry = Registry(root)
        return cls.of(registry.require(name, stage), registry)

    @classmethod
    def of(cls, record: Record, registry: Registry, known: "Service | None" = None) -> "Service":
        """Load the plan of a record, whether it is the champion today or not.

        Bundles that `known` has loaded are not read again.

        Raises:
            PlaitError: a bundle is missing or altered.
        """
        loaded = known.by_digest() if known else {}
        models = {
            candidate: loaded.get(digest) or bundle.load(registry.bundle(digest))[1]
            for candidate, digest in record.bundles.items()
        }
        return cls(record, models)

    def by_digest(self) -> dict[str, Approach]:
        """The models by the digests of their bundles."""
        return {self.champion.bundles[name]: model for name, model in self.models.items()}

    @classmethod
    def open(cls, package: Path) -> "Service":
        """Load a published service from a folder that `dvc artifacts get` brought.

        Raises:
            PlaitError: it is no package, or a file of it was altered.
        """
        record, bundles = unpack(package)
        return cls(record, {name: bundle.load(path)[1] for name, path in bundles.items()})

    def answer(self, texts: Sequence[str], batch_size: int = 32) -> list[Reply]:
        """Answer texts, in their order.

        Raises:
            PlaitError: a text has no visible character, or some that UTF-8 doesn't.
        """
        return replies(self.models, self.champion.tasks, texts, batch_size)


def replies(
    models: Mapping[str, Approach],
    owners: Mapping[str, str],
    texts: Sequence[str],
    batch_size: int = 32,
) -> list[Reply]:
    """Answer texts, in their order.

    Args:
        models: by candidate.
        owners: task → the candidate that answers it.

    Raises:
        PlaitError: a text has no visible character, or some that UTF-8 doesn't.
    """
    for index, text in enumerate(texts):
        check_text(text, f"text {index}")
    answers = {name: model.predict(texts, batch_size) for name, model in models.items()}
    cut = map(any, zip(*(model.truncated(texts) for model in models.values()), strict=True))
    return [
        Reply(text, {task: answers[name][task][index] for task, name in owners.items()}, truncated)
        for index, (text, truncated) in enumerate(zip(texts, cut, strict=True))
    ]
