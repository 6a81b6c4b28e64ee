"""The same questions put to a chat endpoint that speaks OpenAI's protocol.

OPENAI_BASE_URL and OPENAI_API_KEY name it and open it; neither is kept. PLAIT_ENDPOINT_CONCURRENCY
(default 4) limits the requests under way. Answers are written freely, so some may be invalid.
"""

import os
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai

from plait.approaches.prompting.answers import Form, free_answers, letters
from plait.approaches.prompting.asking import Shots, forms_of, no_shots
from plait.approaches.prompting.chat import messages
from plait.approaches.prompting.instructions import instruction
from plait.errors import PlaitError
from plait.tasks import Prediction, Task

RETRIES = 5
SECONDS = 60.0
CONCURRENCY = "PLAIT_ENDPOINT_CONCURRENCY"


def concurrency() -> int:
    """Maximum number of concurrent requests.

    Raises:
        PlaitError: PLAIT_ENDPOINT_CONCURRENCY is no whole number from 1.
    """
    found = os.environ.get(CONCURRENCY) or "4"
    number = int(found) if found.isdecimal() and len(found) < 10 else 0
    if number < 1:
        raise PlaitError(
            f"{CONCURRENCY}: found {found!r}, expected a whole number from 1. Correct it, or unset "
            "it for 4."
        )
    return number


class Endpoint:
    """A model behind a chat endpoint, with the interface of a local decoder."""

    def __init__(
        self,
        model: str,
        tasks: tuple[Task, ...],
        joint: bool,
        retries: int = RETRIES,
        seconds: float = SECONDS,
    ) -> None:
        self.model, self.retries, self.seconds = model, retries, seconds
        self.forms = tuple(forms_of(tasks, joint, letters, end=0))
        self.shots: Shots = no_shots
        self.given: Counter[str] = Counter()
        self._counting = threading.Lock()

    def check(self, candidate: str) -> None:
        """Do nothing: the endpoint's context length is unknown."""

    def answers(self, texts: Sequence[str], batch_size: int) -> dict[str, list[Prediction]]:
        """By task, in the order of the texts.

        Raises:
            PlaitError: the endpoint is not named, does not answer after all retries, or answers
                something that is no chat completion; or `concurrency` is wrong.
        """
        client = self._client()
        found: dict[str, list[Prediction]] = {}
        with ThreadPoolExecutor(min(concurrency(), batch_size)) as pool:
            for form in self.forms:
                answers = list(
                    pool.map(lambda text, form=form: self._ask(client, form, text), texts)
                )
                for task in form.tasks:
                    found[task.name] = [answer[task.name] for answer in answers]
        return found

    def _client(self) -> openai.OpenAI:
        if not os.environ.get("OPENAI_API_KEY"):
            raise PlaitError(
                f"backbone model {self.model!r}: OPENAI_API_KEY is not set. Set it, and "
                "OPENAI_BASE_URL for an endpoint other than OpenAI's own (any value will do where "
                "the endpoint asks for no key)."
            )
        return openai.OpenAI(max_retries=self.retries, timeout=self.seconds)

    def _ask(self, client: openai.OpenAI, form: Form, text: str) -> dict[str, Prediction]:
        turns = [*self.shots(form, text), (text, None)]
        try:
            reply: Any = client.chat.completions.create(
                model=self.model,
                messages=messages(instruction(form.tasks, labels=True), turns),  # type: ignore[arg-type]
                temperature=0,
            )
            written = reply.choices[0].message.content or ""
        except (openai.APIError, AttributeError, IndexError, TypeError, ValueError) as error:
            raise PlaitError(self._unanswered(client, error)) from error
        answers, valid = free_answers(form, text, written)
        self._count(reply.usage, valid)
        return answers

    def _count(self, usage: Any, valid: bool) -> None:
        """Called from the pool's threads: without a lock, two could add to the same number."""
        counted = {"answers": 1, "invalid": int(not valid)}
        if usage is not None:
            counted["prompt_tokens"] = usage.prompt_tokens
            counted["completion_tokens"] = usage.completion_tokens
        with self._counting:
            self.given.update(counted)

    def _unanswered(self, client: openai.OpenAI, error: Exception) -> str:
        return (
            f"{client.base_url}: expected a chat completion of model {self.model!r}, found "
            f"{type(error).__name__}: {error} (after {self.retries} retries where one may help). "
            "Check OPENAI_BASE_URL, the key, the model's name and the endpoint's log."
        )

    def embed(self, texts: Sequence[str]) -> Any:
        """An endpoint gives no vectors.

        Raises:
            PlaitError: always.
        """
        raise PlaitError(
            "options.examples: 'nearest' needs a decoder's vectors, found a chat endpoint; "
            "use 'seed'"
        )

    def save(self, folder: Path, dtype: Any) -> None:
        """Do nothing: an endpoint has no weights to save."""

    def parameters_count(self) -> int:
        """0: the number is unknown."""
        return 0
