"""`plait predict`: the promoted plan of a service predicts labels and spans of texts or files."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from plait.errors import PlaitError
from plait.registry.stage import Stage

if TYPE_CHECKING:
    from plait.serving.batch.options import Options
    from plait.serving.service import Reply


FILES = "files"
"""Heading of the options that are for files alone."""


Text = Annotated[
    str | None,
    typer.Argument(
        metavar="[TEXT|FILE]",
        help="One text in quotes, or with --out a file; default: one text per line of stdin.",
    ),
]
ServiceName = Annotated[
    str | None, typer.Option(help="Service to use; needed if there are several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")]
Top = Annotated[int, typer.Option(min=1, help="Number of labels to list, most probable first.")]
BatchSize = Annotated[
    int, typer.Option(min=1, help="Lines of stdin per batch; 1 answers each line at once.")
]
OfStage = Annotated[
    Stage, typer.Option(help="Whose champion answers; `plait promote --to staging` sets one.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Answer a FILE: .csv, .tsv, .jsonl or .parquet, also .gz or .zst; the output's "
        "format is that of its own ending.",
        rich_help_panel=FILES,
    ),
]
TextField = Annotated[
    str, typer.Option("--text", help="Column with the text.", rich_help_panel=FILES)
]
Prefix = Annotated[
    str, typer.Option(help="Begins the names of new columns.", rich_help_panel=FILES)
]
BadRow = Annotated[
    Literal["null", "skip", "error"],
    typer.Option(
        help="Rows without a text: no answer and a reason in column `error`; left out; or "
        "nothing is answered.",
        rich_help_panel=FILES,
    ),
]
Delimiter = Annotated[
    str | None, typer.Option(help="Of a CSV file; default: a comma.", rich_help_panel=FILES)
]
Processes = Annotated[
    int,
    typer.Option(
        min=0, help="Processes that answer; 0: as cores and memory allow.", rich_help_panel=FILES
    ),
]
Restart = Annotated[
    bool,
    typer.Option("--restart", help="Throw away what a killed run has done.", rich_help_panel=FILES),
]


def predict(
    text: Text = None,
    service: ServiceName = None,
    as_json: AsJson = False,
    top: Top = 1,
    batch_size: BatchSize = 32,
    stage: OfStage = "production",
    out: Out = None,
    text_field: TextField = "text",
    prefix: Prefix = "",
    on_bad_row: BadRow = "null",
    delimiter: Delimiter = None,
    processes: Processes = 0,
    restart: Restart = False,
) -> None:
    """Predict labels or spans, with probabilities, by the promoted plan of a service.

    Of a text, of lines of stdin, or of a file:

    `plait predict tickets.csv --out answered.parquet --text body`

    The output has all columns of the file, and behind them, for each task, TASK and
    TASK_probability (spans: TASK alone), and `truncated`. A run that was killed goes on when the
    same command is run again; the output appears whole at the end (`docs/batch.md`).
    """
    given = {"--text": text_field != "text", "--prefix": prefix, "--restart": restart}
    given |= {"--on-bad-row": on_bad_row != "null", "--delimiter": delimiter}
    if out is None:
        _check_no_file(text, {**given, "--processes": processes})
        _answer_texts(text, service, as_json, top, batch_size, stage)
    else:
        from plait.serving.batch.options import Options

        options = Options(text_field, prefix, top, on_bad_row, delimiter)
        _answer_file(text, out, service, stage, options, processes, restart)


def _answer_texts(
    text: str | None, service: str | None, as_json: bool, top: int, batch_size: int, stage: Stage
) -> None:
    from plait.progress import Progress
    from plait.serving.service import Service
    from plait.serving.texts import check_text

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


def _check_no_file(text: str | None, given: Mapping[str, object]) -> None:
    """A file that is named without --out would be answered by its name."""
    from plait.datasets.formats.opening import plain_suffix
    from plait.serving.batch.sources import SOURCES

    if asked := [name for name, value in given.items() if value]:
        raise PlaitError(
            f"{asked[0]} is for files: name the output, too, as in `plait predict FILE --out OUT`."
        )
    short = text is not None and len(text) < _LONGEST_NAME
    if text and short and plain_suffix(text) in SOURCES and Path(text).is_file():
        raise PlaitError(f"{text}: found a file. Name the output, too: `--out answers.csv`.")


_LONGEST_NAME = 4096


def _json(reply: "Reply", top: int) -> str:
    return json.dumps(reply.as_json(top), ensure_ascii=False)


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """The lines of standard input, each checked before it is answered."""
    from plait.serving.texts import check_text

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
