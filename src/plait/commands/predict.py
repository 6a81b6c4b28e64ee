"""`plait predict`: the promoted plan of a service predicts labels and spans of texts or files."""

import json
import math
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from plait.errors import PlaitError
from plait.registry.stage import Stage

if TYPE_CHECKING:
    from plait.serving.batch.job import Options
    from plait.serving.service import Reply


FILES = "files"
"""Heading of the options that are for files alone."""


def predict(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT|FILE]",
            help="One text in quotes, or with --out a file; default: one text per line of stdin.",
        ),
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
    out: Annotated[
        Path | None,
        typer.Option(
            help="Answer a FILE: .csv, .tsv, .jsonl or .parquet, also .gz or .zst; the output's "
            "format is that of its own ending.",
            rich_help_panel=FILES,
        ),
    ] = None,
    text_field: Annotated[
        str, typer.Option("--text", help="Column with the text.", rich_help_panel=FILES)
    ] = "text",
    prefix: Annotated[
        str, typer.Option(help="Begins the names of new columns.", rich_help_panel=FILES)
    ] = "",
    on_bad_row: Annotated[
        Literal["null", "skip", "error"],
        typer.Option(
            help="Rows without a text: no answer and a reason in column `error`; left out; or "
            "nothing is answered.",
            rich_help_panel=FILES,
        ),
    ] = "null",
    delimiter: Annotated[
        str | None,
        typer.Option(help="Of CSV files; default: a comma.", rich_help_panel=FILES),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=0,
            help="Processes that answer; 0: as cores and memory allow.",
            rich_help_panel=FILES,
        ),
    ] = 0,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Throw away what a killed run has done.", rich_help_panel=FILES
        ),
    ] = False,
) -> None:
    """Predict labels or spans, with probabilities, by the promoted plan of a service.

    Of a text, of lines of stdin, or of a file:

    `plait predict tickets.csv --out answered.parquet --text body`

    The output has all columns of the file, and behind them, for each task, TASK and
    TASK_probability (spans: TASK alone), and `truncated`. A run that was killed goes on when the
    same command is run again; the output appears whole at the end (`docs/batch.md`).
    """
    from plait.progress import Progress
    from plait.serving.service import Service, check_text

    if out is not None:
        from plait.serving.batch.job import Options

        options = Options(text_field, prefix, top, on_bad_row, delimiter)
        _answer_file(text, out, service, stage, options, processes, restart)
        return
    if text is not None:
        _check_no_file(text)
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


def _answer_file(
    file: str | None,
    out: Path,
    service: str | None,
    stage: Stage,
    options: "Options",
    processes: int,
    restart: bool,
) -> None:
    from plait.registry.store import Registry
    from plait.serving.batch.job import Job

    if file is None:
        raise PlaitError("--out: found no FILE to answer, as in `plait predict FILE --out OUT`.")
    record = Registry(Path()).require(service, stage)
    job = Job(Path(file), out, record, Path(), options, processes, restart)
    print(job.run(say=lambda line: print(line, file=sys.stderr)).told(out))


def _check_no_file(text: str) -> None:
    """A file that is named without --out would be answered by its name."""
    from plait.datasets.formats.opening import plain_suffix
    from plait.serving.batch.sources import SOURCES

    if plain_suffix(text) in SOURCES and len(text) < _LONGEST_NAME and Path(text).is_file():
        raise PlaitError(f"{text}: found a file. Name the output, too: `--out answers.csv`.")


_LONGEST_NAME = 4096


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
