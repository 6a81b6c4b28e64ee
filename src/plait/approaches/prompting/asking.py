"""Tasks asked of a decoder: which together, with which prompt, and how the answer is decoded."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from plait.approaches.prepacked import parameters_count
from plait.approaches.prompting.answers import Encode, Form
from plait.approaches.prompting.chat import Prompt, Shot
from plait.approaches.prompting.decoder import Decoder
from plait.approaches.prompting.instructions import instruction
from plait.tasks import Prediction, Task
from plait.training.memory import ANSWERS, memory_for

Decoding = Literal["constrained", "free"]
Shots = Callable[[Form, str], Sequence[Shot]]
"""Examples for a form and a text."""
TOLERANCE = 0.01
"""Probability that may stay unresolved among labels that cannot win any more."""


def forms_of(
    tasks: Sequence[Task], joint: bool, encode: Encode, end: int, lead: str = ""
) -> list[Form]:
    """One form a task, or with `joint` one for all tasks of a dataset."""
    if not joint:
        return [Form((task,), encode, end, lead) for task in tasks]
    datasets = dict.fromkeys(task.dataset for task in tasks)
    return [
        Form(tuple(task for task in tasks if task.dataset == name), encode, end, lead)
        for name in datasets
    ]


def decoder_forms(tasks: Sequence[Task], joint: bool, decoder: Decoder) -> list[Form]:
    """The forms in a decoder's tokens."""
    chat = decoder.chat
    return forms_of(tasks, joint, chat.texts.tokens, chat.end, chat.lead)


def no_shots(_form: Form, _text: str) -> Sequence[Shot]:
    """Zero-shot: no examples."""
    return ()


class Asking:
    """A decoder, the forms of its answers and their prompts.

    Args:
        labels: whether the instruction names all labels, as a decoder needs that was not trained.
        shots: examples in the prompt.
    """

    def __init__(
        self,
        decoder: Decoder,
        forms: Sequence[Form],
        decoding: Decoding,
        labels: bool = False,
        shots: Shots = no_shots,
    ) -> None:
        self.decoder, self.forms, self.decoding = decoder, tuple(forms), decoding
        self.labels, self.shots = labels, shots
        self.tries = {task.name: form.trie(task) for form in forms for task in form.tasks}
        self.given: Counter[str] = Counter()

    def prompt(self, form: Form, text: str = "") -> Prompt:
        """The tokens before and after the text."""
        asked = instruction(form.tasks, self.labels)
        return self.decoder.chat.prompt(asked, tuple(self.shots(form, text)))

    def check(self, candidate: str) -> None:
        """Refuse settings with which a text may not fit into the decoder's context.

        Raises:
            PlaitError: names the candidate's setting.
        """
        for form in self.forms:
            self.decoder.check(candidate, self.prompt(form), form)

    def answers(self, texts: Sequence[str], batch_size: int) -> dict[str, list[Prediction]]:
        """By task, in the order of the texts; texts of about equal length share a batch."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[str, list[Prediction]] = {name: [()] * len(texts) for name in self.tries}
        for form in self.forms:
            for begin in range(0, len(texts), batch_size):
                places = order[begin : begin + batch_size]
                batch = self._batch(form, [texts[i] for i in places])
                for place, answers in zip(places, batch, strict=True):
                    for name, answer in answers.items():
                        found[name][place] = answer
        return found

    def _batch(self, form: Form, texts: Sequence[str]) -> list[dict[str, Prediction]]:
        with memory_for(f"in answering {len(texts)} texts at once", ANSWERS):
            return self._answered(form, texts)

    def _answered(self, form: Form, texts: Sequence[str]) -> list[dict[str, Prediction]]:
        prompts = [self.prompt(form, text) for text in texts]
        self.given.update(answers=len(texts), invalid=0)
        if self.decoding == "constrained":
            return self.decoder.answer(texts, prompts, form, self.tries, TOLERANCE)
        free = self.decoder.generate(texts, prompts, form)
        self.given["invalid"] += sum(not valid for _, valid in free)
        return [answers for answers, _ in free]

    def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors (texts × size): means of the decoder's token vectors."""
        return self.decoder.embed(texts)

    def save(self, folder: Path, dtype: torch.dtype) -> None:
        """Weights and tokenizer."""
        self.decoder.save(folder, dtype)

    def parameters_count(self) -> int:
        """Number of weights that an answer uses."""
        return parameters_count(self.decoder.model)
