"""`plait predict`: the promoted plan of a service predicts labels and spans of texts."""

import json
import math
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plait.errors import PlaitError
from plait.registry.stage import Stage

if TYPE_CHECKING:
    from plait.serving.service import Reply


def predict(
    text: Annotated[
        str | None, typer.Argument(help="One text in quotes; default: one per line of stdin.")
    ] = None,
    service: Annotated[
        str | None, typer.Option(help="Service to use; needed if there are several.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per text.")
    ] = False,
    top: Annotated[
        int, typer.Option(min=1, help="Number of labels to list, most probable first.")
    ] = 1,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Lines of stdin per batch; 1 answers each line at once.")
    ] = 32,
    stage: Annotated[
        Stage, typer.Option(help="Whose champion answers; `plait promote --to staging` sets one.")
    ] = "production",
) -> None:
    """Predict labels or spans, with probabilities, for texts by the promoted plan of a service."""
    from plait.progress import Progress
    from plait.serving.service import Service, check_text

    if text is None and sys.stdin.isatty():
        raise PlaitError('no text: give one, as in `plait predict "lights on"`, or pipe lines in.')
    if text is not None:
        check_text(text, "the text")
    champion = Service.load(service, Path(), stage)
    texts = _lines(sys.stdin.buffer) if text is None else iter([text])
    # On a terminal the replies themselves show the progress.
    hidden = text is None and not sys.stdout.isatty()
    with Progress(math.inf if hidden else 0, "predict", "text") as bar:
        while batch := list(islice(texts, batch_size)):
            for reply in champion.answer(batch, batch_size):
                print(_json(reply, top) if as_json else _show(reply, top))
            sys.stdout.flush()
            bar.update(len(batch))


def _json(reply: "Reply", top: int) -> str:
    return json.dumps(reply.as_json(top), ensure_ascii=False)


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """The lines of standard input, each checked before it is answered."""
    from plait.serving.service import check_text

    number = 0
    for number, line in enumerate(stream, 1):
        where = f"standard input, line {number}"
        try:
            text = line.rstrip(b"\r\n").decode()
        except UnicodeDecodeError as error:
            raise PlaitError(
                f"{where}: found byte 0x{line[error.start]:02x}, expected UTF-8. "
                "Convert the input to UTF-8."
            ) from error
        check_text(text, where)
        yield text
    if number == 0:
        raise PlaitError("standard input: found nothing, expected one text per line.")


def _show(reply: "Reply", top: int) -> str:
    """A reply as lines for the terminal."""
    lines = [reply.text]
    if reply.truncated:
        lines.append("  (only a part of this text was read: it is too long for the model)")
    for task, answer in reply.as_json(top)["answers"].items():
        shown = list(map(_label if isinstance(answer, dict) else _span, _entries(answer)))
        lines += [f"  {task}: {shown[0] if shown else 'none'}"]
        lines += [f"  {' ' * len(task)}  {line}" for line in shown[1:]]
    return "\n".join(lines)


def _entries(answer: Any) -> list[Any]:
    """What is listed of a label, several labels or spans."""
    if isinstance(answer, dict):
        return list(answer["top"] if "top" in answer else answer["labels"])
    return list(answer)


def _label(entry: Any) -> str:
    return f"{entry['label']} {entry['probability']:.3f}"


def _span(entry: Any) -> str:
    place = f"[{entry['start']}:{entry['end']}]"
    return f"{entry['label']} {place} {entry['text']!r} {entry['probability']:.3f}"
