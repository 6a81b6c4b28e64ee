"""The JSON of requests and responses: what is checked, and what `/openapi.json` shows."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from plait.errors import PlaitError
from plait.serving.failures import Refusal
from plait.serving.limits import Limits
from plait.serving.texts import check_text

EXAMPLE = "turn on the kitchen lights"
MOST = 1000
"""Labels that `top` may ask for."""


def _whole(value: Any) -> Any:
    """JSON Schema has no other integers than numbers without a fraction: 3.0 is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Question(BaseModel):
    """One text or several; exactly one of `text` and `texts`."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": EXAMPLE}, {"texts": [EXAMPLE, "is it warm?"], "top": 3}],
            "oneOf": [{"required": ["text"]}, {"required": ["texts"]}],
        },
    )
    text: Annotated[str, Field(min_length=1, description="A text to answer.")] = ""
    texts: Annotated[list[str], Field(min_length=1, description="Several texts.")] = []
    top: Annotated[
        int,
        Field(ge=1, le=MOST, description="Labels of a classification, likeliest first."),
        BeforeValidator(_whole),
    ] = 1

    @model_validator(mode="after")
    def one_of_both(self) -> "Question":
        """Exactly one of the two ways to ask."""
        if len(self.model_fields_set & {"text", "texts"}) != 1:
            raise ValueError("expected exactly one of 'text' and 'texts'")
        return self

    def all(self) -> list[str]:
        """The texts."""
        return self.texts or [self.text]


class Labelled(BaseModel):
    """A label with its probability."""

    label: str
    probability: float


class Choice(Labelled):
    """The answer to a classification: the likeliest label, and the `top` likeliest."""

    top: list[Labelled]


class Labels(BaseModel):
    """The answer to a multilabel task: all labels that apply, maybe none."""

    labels: list[Labelled]


class Found(Labelled):
    """A span of a tagging: characters `start` (included) to `end` (excluded)."""

    start: int
    end: int
    text: str


class Answered(BaseModel):
    """A text and the answer to each task of the service."""

    text: str
    truncated: Annotated[
        bool, Field(description="Some answer rests on a part of the text: it is too long.")
    ]
    answers: dict[str, Choice | Labels | list[Found]]


class Served(BaseModel):
    """Who answers: a service's champion at a stage, by the number of its record."""

    service: str
    record: int
    stage: str


class Replies(Served):
    """A reply to each text, in their order, all by the same champion."""

    replies: list[Answered]


class Task(BaseModel):
    """A task, its kind, its labels, and the candidate that answers it."""

    kind: str
    labels: list[str]
    candidate: str


class Refused(BaseModel):
    """A record that the registry names and that could not be loaded."""

    record: int
    message: str


class Description(Served):
    """What is served."""

    plan: str | None
    since: str
    tasks: dict[str, Task]
    bundles: dict[str, str]
    refused: Refused | None


class State(Served):
    """That the service answers; `refused` is the record that could not take its place."""

    status: str
    refused: int | None


class Alive(BaseModel):
    """That the process runs."""

    status: str


class Error(BaseModel):
    """`type` is for programs, `message` says what was found and expected, `remedy` what helps."""

    type: str
    message: str
    remedy: str
    request_id: str


class Problem(BaseModel):
    """The one form of all errors."""

    error: Error


def asked_for(limits: Limits) -> dict[str, Any]:
    """The JSON schema of a question, with the limits of a server."""
    found = Question.model_json_schema()
    visible = {"pattern": r"\S", "maxLength": limits.characters}
    found["properties"]["text"] |= visible
    found["properties"]["texts"]["items"] |= visible
    found["properties"]["texts"]["maxItems"] = limits.texts
    return found


def question(body: bytes, limits: Limits) -> Question:
    """The question in a body.

    Raises:
        Refusal: no JSON in UTF-8 (400), other fields or types (422), too many or too long texts
            (413), or a text without a visible character (422).
    """
    try:
        found = Question.model_validate_json(body)
    except ValidationError as error:
        raise _mistakes(error) from error
    _check(found.all(), limits, "text" if "text" in found.model_fields_set else "texts")
    return found


def _mistakes(error: ValidationError) -> Refusal:
    """All mistakes at once; pydantic's own messages quote no text."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Refusal(
            400,
            "no_json",
            f"The body is no JSON in UTF-8: {found[0]['msg'].removeprefix('Invalid JSON: ')}.",
            f'Send UTF-8 such as {{"text": "{EXAMPLE}"}}.',
        )
    said = "; ".join(
        f"{_place(each)}: {each['msg'].removeprefix('Value error, ')}" for each in found[:10]
    )
    return Refusal(
        422,
        "wrong_fields",
        f"{said}.",
        f'Send {{"text": "{EXAMPLE}"}} or {{"texts": […], "top": 3}}; see `/openapi.json`.',
    )


def _place(mistake: Any) -> str:
    """Where a mistake is; the name of an unknown field is shown up to 40 characters."""
    return ".".join(str(part)[:40] for part in mistake["loc"]) or "the body"


def _check(texts: list[str], limits: Limits, field: str) -> None:
    if len(texts) > limits.texts:
        raise Refusal(
            413,
            "too_many_texts",
            f"texts: found {len(texts)}, expected at most {limits.texts}.",
            "Send them in several requests.",
        )
    for index, text in enumerate(texts):
        where = field if field == "text" else f"texts.{index}"
        if len(text) > limits.characters:
            raise Refusal(
                413,
                "text_too_long",
                f"{where}: found {len(text)} characters, expected at most {limits.characters}.",
                "Send a shorter text, or its parts.",
            )
        try:
            check_text(text, where)
        except PlaitError as error:
            raise Refusal(422, "blank_text", str(error), "Send texts with words.") from error
