"""Checks of a model's answers, whatever the approach."""

import math
from collections.abc import Iterator, Mapping, Sequence

import regex

from plait.approaches.base import Approach
from plait.conformance import toy
from plait.conformance.findings import Finding, none_of, reached
from plait.errors import PlaitError
from plait.scores.headline import headline
from plait.segmentation import words
from plait.tasks import LabelPrediction, Prediction, Row, SetPrediction, Span, is_spans

Answers = Mapping[str, Sequence[Prediction]]
LEAST = {"classification": 0.95, "tagging": 0.9, "multilabel": 0.9}
"""Score of test rows at which the toy is learned, by kind of task."""
LEARNS = {
    "classification": "learns labels",
    "tagging": "learns spans",
    "multilabel": "learns several labels",
}
STUMBLE = 0.25
"""How much less often an answer may be right for texts that are odd in another way."""


def learned(model: Approach, languages: toy.Languages) -> Iterator[Finding]:
    """Labels, sets of labels and spans of test rows, by language."""
    for spoken in languages:
        rows = toy.rows(spoken, "test")
        answers = model.predict([row.text for row in rows])
        for task in model.tasks:
            score = headline(task, [row.labels[task.field] for row in rows], answers[task.name])
            metric = task.metric.replace("_", " ")
            yield reached(LEARNS[task.kind], score, LEAST[task.kind], metric, spoken.name)


def texts(spoken: toy.Language) -> list[str]:
    """Test rows, and such as are short, odd or long."""
    rows = toy.rows(spoken, "test")
    mixed = f"  {rows[0].text.upper()}…({rows[1].text})\t{spoken.rooms[-1]}!"
    return [*(row.text for row in rows[::9]), rows[0].text[:1], mixed, toy.long_text(spoken, 20)]


def batched(
    model: Approach, languages: toy.Languages, tolerance: float, share: float = 0.0
) -> Iterator[Finding]:
    """Batches of several sizes answer as single texts do.

    Args:
        tolerance: of probabilities.
        share: of the texts that may differ more, as rounding may turn a close decision.
    """
    asked = [text for spoken in languages for text in texts(spoken)]
    alone = model.predict(asked, batch_size=1)
    for size in (3, len(asked)):
        together = model.predict(asked, batch_size=size)
        wrong = differences(asked, alone, together, tolerance)
        yield _nearly_none(f"batches of {size} answer as single texts", wrong, len(asked), share)


def reloaded(
    one: Approach, other: Approach, languages: toy.Languages, tolerance: float, share: float
) -> Finding:
    """A model that was saved and loaded answers as before."""
    asked = [row.text for spoken in languages for row in toy.rows(spoken, "test")]
    wrong = differences(asked, one.predict(asked), other.predict(asked), tolerance)
    return _nearly_none("answers alike once saved and loaded", wrong, len(asked), share)


def _nearly_none(check: str, wrong: Sequence[str], count: int, share: float) -> Finding:
    found = none_of(check, wrong, count)
    most = int(share * count)
    passed = len(wrong) <= most
    return Finding(check, passed, found.found, f"at most {most}" if most else "none")


def differences(asked: Sequence[str], one: Answers, other: Answers, tolerance: float) -> list[str]:
    """Texts whose answers differ by more than the tolerance, each with how."""
    found: dict[str, str] = {}
    for name, answers in one.items():
        for text, left, right in zip(asked, answers, other[name], strict=True):
            how = _difference(left, right, tolerance)
            if how:
                found.setdefault(text, f"{text[:40]!r}: {name} {how}")
    return list(found.values())


def _difference(one: Prediction, other: Prediction, tolerance: float) -> str:
    """How two answers differ; empty where they don't."""
    if isinstance(one, SetPrediction) and isinstance(other, SetPrediction):
        if one.labels != other.labels:
            return f"{list(one.labels)} or {list(other.labels)}"
        return _furthest(one.probabilities, other.probabilities, tolerance)
    if isinstance(one, LabelPrediction) and isinstance(other, LabelPrediction):
        return _furthest(one.probabilities, other.probabilities, tolerance)
    if one != other:
        return f"{_shown(one)} or {_shown(other)}"
    pairs = zip(_spans(one), _spans(other), strict=True)
    most = max((abs(a.probability - b.probability) for a, b in pairs), default=0.0)
    return "" if most <= tolerance else f"probabilities of spans differ by {most:.4f}"


def _furthest(one: Mapping[str, float], other: Mapping[str, float], tolerance: float) -> str:
    """The label whose probabilities differ most; empty where that is within the tolerance."""
    by_label = {label: abs(one[label] - other[label]) for label in one}
    label, most = max(by_label.items(), key=lambda item: item[1], default=("", 0.0))
    return "" if most <= tolerance else f"{one[label]:.4f} or {other[label]:.4f} for {label}"


def _shown(answer: Prediction) -> str:
    return str([(span.start, span.end, span.label) for span in _spans(answer)])


def _spans(answer: Prediction) -> tuple[Span, ...]:
    return answer if is_spans(answer) else ()


def offsets(model: Approach, languages: toy.Languages) -> Iterator[Finding]:
    """Each predicted span is whole words: no blank around it, no cut grapheme cluster."""
    for spoken in languages:
        asked = texts(spoken)
        answers = model.predict(asked)
        wrong, count = [], 0
        for task in model.tasks:
            for text, answer in zip(asked, answers[task.name], strict=True):
                spans = _spans(answer)
                count += len(spans)
                wrong += [f"{text[s.start : s.end]!r}" for s in spans if not _whole(text, s)]
        yield none_of("spans are whole words", wrong, count, spoken.name)


def _whole(text: str, span: Span) -> bool:
    """Words by plait's own rule, and clusters by Unicode's (UAX #29), which the rule keeps."""
    places = words(text)
    ends = {0} | {match.end() for match in regex.finditer(r"\X", text)}
    begun = span.start in {start for start, _ in places}
    ended = span.end in {end for _, end in places}
    return begun and ended and span.start < span.end and {span.start, span.end} <= ends


def odd_texts(model: Approach, languages: toy.Languages) -> Iterator[Finding]:
    """Texts of which nothing can be seen, and one that is too long, get a sound answer."""
    yield none_of(
        "invisible texts have no span",
        [f"{text!r}" for text in toy.INVISIBLE if not _sound(model, text, blank=True)],
        len(toy.INVISIBLE),
    )
    for spoken in languages:
        text = toy.long_text(spoken, 150)
        wrong = [] if _sound(model, text) else [f"{text[:40]!r}"]
        yield none_of("long texts are answered", wrong, 1, spoken.name)


def _sound(model: Approach, text: str, blank: bool = False) -> bool:
    """Whether probabilities are numbers and sum to one, and spans lie in the text."""
    try:
        answers = [found[0] for found in model.predict([text]).values()]
    except PlaitError:  # a refusal that names its reason
        return blank
    for answer in answers:
        if isinstance(answer, LabelPrediction):
            total = sum(answer.probabilities.values())
            if not math.isclose(total, 1, abs_tol=1e-2):
                return False
        elif any(blank or not 0 <= s.start < s.end <= len(text) for s in _spans(answer)):
            return False
    return True


def control_tokens(model: Approach, tokens: Sequence[str]) -> Finding:
    """Labels of texts that spell out control tokens are as often right as with plain words.

    The plain words look alike: a model may stumble over any text that it doesn't know.
    """
    rows = toy.rows(toy.language("English"), "test")[:18:3]  # of all intents
    right, fair = (
        sum(_right(model, rows, each, after) for each in spelled for after in (True, False))
        / (2 * len(tokens) * len(rows))
        for spelled in (tokens, [toy.alike(token) for token in tokens])
    )
    return Finding(
        "control tokens are plain text: answers",
        right >= fair - STUMBLE,
        f"accuracy {right:.3f}",
        f"at least {max(0, fair - STUMBLE):.3f}, as plain words have {fair:.3f}",
    )


def _with(row: Row, token: str, after: bool) -> str:
    return f"{row.text} {token * 2}" if after else f"{token * 2} {row.text}"


def _right(model: Approach, rows: Sequence[Row], token: str, after: bool) -> int:
    answers = model.predict([_with(row, token, after) for row in rows])["intent"]
    return sum(
        isinstance(answer, LabelPrediction) and answer.label == row.labels["intent"]
        for answer, row in zip(answers, rows, strict=True)
    )
