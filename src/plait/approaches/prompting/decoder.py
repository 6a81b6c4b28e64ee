"""A decoder and its tokenizer: what it answers to prompts, bound to valid answers or free."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel
from transformers.utils import logging

from plait.approaches.prepacked import prepack, to_device
from plait.approaches.pretrained import supported
from plait.approaches.pretrained.limits import longest
from plait.approaches.pretrained.scaling import next_token_scores
from plait.approaches.prompting.agreement import check_decoder
from plait.approaches.prompting.answers import Form, free_answers
from plait.approaches.prompting.chat import Chat, Prompt
from plait.approaches.prompting.context import Context, Tree
from plait.approaches.prompting.trie import Trie
from plait.approaches.prompting.writing import Question, Scores, Writer, Writing
from plait.approaches.reading.reach import Reach
from plait.approaches.reading.texts import Encoded, Tokens
from plait.approaches.reading.tokenizers import load_tokenizer
from plait.errors import PlaitError
from plait.segmentation import words
from plait.tasks import Prediction, Task
from plait.training.batches import DTYPES

# Their bars and notices would hide ours; what goes wrong is raised all the same.
logging.set_verbosity_error()
logging.disable_progress_bar()

AHEAD = {"cpu": 12, "cuda": 256}
"""Tokens that a pass may look ahead, all texts together. A pass with a few more takes hardly longer
and saves others; how many are few depends on the device."""
PREFIXES = 4
"""Prefixes that a decoder remembers, one for each form that it is asked; the oldest goes first."""


class Decoder:
    """A causal language model with its tokenizer.

    Args:
        max_length: texts are cut after that many tokens.
        precision: `bf16` computes in bfloat16 whatever type the weights have.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, max_length: int, precision: str = "fp32"
    ) -> None:
        self.model, self.tokenizer, self.max_length = model, tokenizer, max_length
        self.precision = precision
        self.chat = Chat(tokenizer)
        self._prefixes: dict[Tokens, Context] = {}

    @classmethod
    def load(
        cls, folder: Path, max_length: int, dtype: torch.dtype, precision: str = "fp32"
    ) -> "Decoder":
        """From safetensors and a tokenizer; no code of the folder is run."""
        supported.decoder(folder)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
        check_decoder(model, max_length)
        return cls(
            model,
            load_tokenizer(folder, folder.name),
            max_length,
            precision,
        )

    @classmethod
    def ready(cls, folder: Path, max_length: int, precision: str, packed: bool = True) -> "Decoder":
        """For answers: on the accelerator where there is one, else packed for the CPU.

        Args:
            packed: pack the weights for speed. A packed model only answers: it can't be saved.
        """
        found = cls.load(folder, max_length, DTYPES[precision], precision)
        to_device(found.model)
        if packed:
            prepack(found.model, precision)
        return found

    def save(self, folder: Path, dtype: torch.dtype) -> None:
        """The inverse of `load`; the model keeps its own type."""
        weights = {
            name: value.to(dtype) if value.is_floating_point() else value
            for name, value in self.model.state_dict().items()
        }
        self.model.save_pretrained(folder, state_dict=weights)
        self.tokenizer.save_pretrained(folder)

    def cut(self, text: str) -> tuple[str, Tokens]:
        """A text's first `max_length` tokens, and the text that they cover."""
        found = self.chat.texts.continued(text, self.max_length, self.chat.gap)
        return text[: found.read], tuple(found.ids)

    def reach(self, tasks: tuple[Task, ...], classify: bool) -> Reach:
        """How far into a text the answers to the tasks reach."""

        def whole(text: str) -> Encoded:
            return self.chat.texts.continued(text, lead=self.chat.gap)

        return Reach(tasks, self.max_length, whole, lambda text, _: words(text), classify)

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors (texts × size): means of the token vectors, of one text at a time."""
        vectors = []
        for text in texts:
            tokens = self.chat.texts.continued(text, self.max_length).ids or [self.chat.end]
            ids = torch.tensor([tokens], device=self.model.device)
            with self._autocast():
                hidden = self.model.base_model(ids, use_cache=False).last_hidden_state
            mean = hidden[0].float().mean(0)
            vectors.append(mean / mean.norm())
        return torch.stack(vectors).cpu().numpy()

    def check(self, name: str, prompt: Prompt, form: Form) -> None:
        """Refuse a setting with which prompt, text and answer may outgrow the model's context.

        Raises:
            PlaitError: they may; names the setting and the most that fits.
        """
        context = longest(self.model) or 2**31
        room = context - len(prompt.prefix) - len(prompt.suffix) - form.longest()
        # What is copied, with its types, stands twice more.
        most = room // 3 if form.copies else room
        if self.max_length > most:
            raise PlaitError(
                f"candidates.{name}.training.max_length: found {self.max_length}, but with prompt "
                f"and answer the context of {context} tokens has room for texts of {max(most, 0)}. "
                "Lower max_length, or give fewer examples in the prompt."
            )

    @torch.inference_mode()
    def answer(
        self,
        texts: Sequence[str],
        prompts: Sequence[Prompt],
        form: Form,
        tries: Mapping[str, Trie],
        tolerance: float = 0.0,
    ) -> list[dict[str, Prediction]]:
        """Valid answers, by task, to texts of one batch."""
        context, begun = self._begin(prompts)
        writings = []
        room = AHEAD.get(self.model.device.type, 0) // len(texts)
        for text, prompt in zip(texts, prompts, strict=True):
            covered, tokens = self.cut(text)
            unread = [*prompt.prefix[begun:], *tokens, *prompt.suffix]
            writings.append(Writer(form, dict(tries), unread, tolerance, room).answer(covered))
        return self._write(context, writings)

    def _autocast(self) -> AbstractContextManager[Any]:
        """Weights that are in bfloat16 already need none."""
        wanted = self.precision == "bf16" and self.model.dtype == torch.float32
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=wanted)

    @torch.inference_mode()
    def generate(
        self, texts: Sequence[str], prompts: Sequence[Prompt], form: Form
    ) -> list[tuple[dict[str, Prediction], bool]]:
        """What the model writes freely, greedily, read as answers; and whether it is valid."""
        cut = [self.cut(text) for text in texts]
        ids = [
            [*prompt.prefix, *tokens, *prompt.suffix]
            for (_, tokens), prompt in zip(cut, prompts, strict=True)
        ]
        longest = max(map(len, ids))
        batch = torch.tensor([[*[form.end] * (longest - len(row)), *row] for row in ids])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in ids])
        with self._autocast():
            found = self.model.generate(
                batch.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                generation_config=GenerationConfig(
                    max_new_tokens=self._most(form, cut),
                    do_sample=False,
                    eos_token_id=form.end,
                    pad_token_id=form.end,
                ),
            )
        written = self.tokenizer.batch_decode(found[:, longest:], skip_special_tokens=True)
        return [
            free_answers(form, text, answer) for (text, _), answer in zip(cut, written, strict=True)
        ]

    @staticmethod
    def _most(form: Form, cut: Sequence[tuple[str, Tokens]]) -> int:
        """Tokens that a right answer may have: labels, and the text's words with their types."""
        copied = 2 * max(len(tokens) for _, tokens in cut) + 8 if form.copies else 0
        return form.longest() + copied

    def _begin(self, prompts: Sequence[Prompt]) -> tuple[Context, int]:
        """A context that has read the prefix, where all prompts have the same; and its length."""
        prefix = prompts[0].prefix
        if not prefix or any(prompt.prefix != prefix for prompt in prompts):
            return Context(self.model, len(prompts)), 0
        if prefix not in self._prefixes:
            if len(self._prefixes) == PREFIXES:
                del self._prefixes[next(iter(self._prefixes))]
            self._prefixes[prefix] = context = Context(self.model, 1)
            with self._autocast():
                context.look([Tree.of(prefix, [])[0]])
        return self._prefixes[prefix].repeated(len(prompts)), len(prefix)

    def forget(self) -> None:
        """Forget the prefixes that were read: the weights have changed."""
        self._prefixes.clear()

    def _write(
        self, context: Context, writings: Sequence[Writing[dict[str, Prediction]]]
    ) -> list[dict[str, Prediction]]:
        """Write all answers side by side; those that are complete leave the context."""
        answers: dict[int, dict[str, Prediction]] = {}
        scores: dict[int, Scores] = {}
        places = list(range(len(writings)))
        while places:
            questions: dict[int, Question] = {}
            for place in places:
                try:
                    writing = writings[place]
                    asked = writing.send(scores[place]) if place in scores else next(writing)
                    questions[place] = asked
                except StopIteration as done:
                    answers[place] = done.value
            if questions and len(questions) < len(places):
                context.keep([i for i, place in enumerate(places) if place in questions])
            places = list(questions)
            if places:
                found = self._scores(context, list(questions.values()))
                scores = dict(zip(places, found, strict=True))
        return [answers[place] for place in range(len(writings))]

    def _scores(self, context: Context, questions: Sequence[Question]) -> list[Scores]:
        trees = [Tree.of(question.stem, question.paths) for question in questions]
        with self._autocast():
            hidden = context.look([tree for tree, _ in trees])
        return [
            [
                self.log_probabilities(hidden[row, place], choices)
                for place, choices in zip(ends, question.choices, strict=True)
            ]
            for row, (question, (_, ends)) in enumerate(zip(questions, trees, strict=True))
        ]

    def log_probabilities(self, hidden: Tensor, choices: Sequence[int]) -> Tensor:
        """Of some next tokens, renormalised over them; only their rows of the head are used."""
        head = self.model.get_output_embeddings()
        chosen = torch.tensor(choices, device=hidden.device)
        scores = head.weight[chosen] @ hidden.to(head.weight.dtype)
        if getattr(head, "bias", None) is not None:
            scores = scores + head.bias[chosen]
        return next_token_scores(self.model.config, scores).log_softmax(-1).cpu()
