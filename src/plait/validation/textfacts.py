"""What validation asks of a text and of its spans, as facts that do not tell the text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from plait.tasks import Span

_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f\x80-\x9f]")
_PLACEHOLDERS = frozenset(
    {
        *("n a", "na", "nan", "none", "null", "nil", "undefined", "unknown", "empty", "blank"),
        *("tbd", "tba", "todo", "test", "tests", "testing", "xxx", "asdf", "lorem ipsum", "text"),
        *("deleted", "removed", "redacted", "no text", "no content", "no comment"),
    }
)


class Facts(NamedTuple):
    """`script` is that of most letters (Unicode's name: LATIN, CYRILLIC …), None without letters.

    `control`: control characters other than white space and NUL. `mojibake`: UTF-8 that was read
    as another encoding, by the heuristic of ftfy (R. Speer, 2019). `placeholder`: words that stand
    for a text that is missing, or no letter at all.
    """

    characters: int
    empty: bool
    nul: bool
    control: bool
    replacement: bool
    mojibake: bool
    placeholder: bool
    script: str | None


def facts(text: str, words: list[str]) -> Facts:
    """The facts of a text with these words (`plait.leakage.shingles.words`)."""
    script = _script(text)
    plain = text.isascii()
    return Facts(
        characters=len(text),
        empty=not text or text.isspace(),
        nul="\x00" in text,
        control=_CONTROL.search(text) is not None,
        replacement=not plain and "\ufffd" in text,
        mojibake=not plain and _mojibake(text),
        placeholder=(script is None and bool(text.strip()))
        or (len(words) <= 2 and " ".join(words) in _PLACEHOLDERS),
        script=script,
    )


def _mojibake(text: str) -> bool:
    from ftfy.badness import is_bad

    return bool(is_bad(text))


def _script(text: str) -> str | None:
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else None
    counts = Counter(map(_script_of, filter(str.isalpha, text)))
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


@lru_cache(maxsize=1 << 16)
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "UNNAMED").split(" ")[0]


class SpanFacts(NamedTuple):
    """Whether a span lies inside its text, after the spans before it, and on word boundaries."""

    inside: bool
    apart: bool
    on_words: bool


def span_facts(text: str, spans: Iterable[Span]) -> list[SpanFacts]:
    """Facts of the spans, in the order of their places."""
    found, reached = [], 0
    for span in sorted(spans):
        inside = 0 <= span.start < span.end <= len(text)
        found.append(SpanFacts(inside, span.start >= reached, _on_words(text, span)))
        reached = max(reached, span.end)
    return found


def _on_words(text: str, span: Span) -> bool:
    """Whether a span begins and ends where a word does: no word cut, no blank at its edges."""
    inside = text[span.start : span.end]
    before, after = text[max(0, span.start - 1) : span.start], text[span.end : span.end + 1]
    cut = _one_word(before, inside[:1]) or _one_word(inside[-1:], after)
    return inside == inside.strip() and not cut


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbours are of one word: letters, or digits; `20C` and `5pm` are two each."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
