"""Names that params.yaml accepts, made from names of files and columns."""

import re
from collections.abc import Collection, Iterable
from itertools import chain, count

from plait.experiment.contradictions import DVC_IGNORED_KEYS

MAX_NAME_LENGTH = 80
"""Most characters of a name in params.yaml."""


def valid(text: str, what: str) -> str:
    """A valid name made from `text`; `what` becomes its prefix if it must."""
    name = re.sub(r"[^a-z0-9._+-]+", "-", text.lower()).strip("._+-")[:MAX_NAME_LENGTH]
    return name if name not in ("", *DVC_IGNORED_KEYS) else f"{what}-{name}".rstrip("-")


def free(name: str, taken: Collection[str]) -> str:
    """The name, or the first of NAME-2, NAME-3, … that is not taken."""
    numbered = (f"{name[: MAX_NAME_LENGTH - 5]}-{number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each not in taken)


def unique(texts: Iterable[str], what: str) -> dict[str, str]:
    """Text → a valid name of its own; a text that is a valid name keeps it."""
    made = {text: valid(text, what) for text in texts}
    found = {text: text for text, name in made.items() if name == text}
    for text, name in made.items():
        if text not in found:
            found[text] = free(name, found.values())
    return {text: found[text] for text in made}
