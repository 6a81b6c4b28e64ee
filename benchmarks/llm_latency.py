"""What constrained, consolidated and head-only answers of one LLM cost, against the usual ways.

A decoder is fine-tuned on MASSIVE utterances with three prompts (intent, slots, and both in one
answer), so that it writes answers of ordinary length; the same weights stand for the single-task
and the consolidated models, whose latency depends on prompt and answer, not on what was learned.
Ways take turns on the same texts, and each ratio is of medians within this run:

- constrained_over_generate: `generate` with the same prompt / a constrained label answer
- constrained_over_usual: `generate` with the label list in the prompt / a constrained label answer
- joint_over_two: one constrained answer (intent + slots) / two models that `generate` in turn
- heads_over_two: one pass of a decoder with heads / the same two
- joint_over_two_same_decoding: one constrained joint answer / two constrained answers in turn
- joint_over_two_long: the same on long posts (topic20 + topic7)

`generate` is transformers' own, of the model as `from_pretrained` gives it, and reads the prompt's
fixed beginning each time, as is usual. Constrained answers read it once for all, and on a CPU with
weights that are rounded to float16 when the model is loaded, as plait answers;
constrained_over_generate_packed gives `generate` these, too, so it shows what decoding alone saves.
"""

import argparse
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from llm_throughput import tasks_of
from massive import backbone, parser
from massive import rows as massive_rows
from plait.approaches.base import Resolved
from plait.approaches.generative import Generative
from plait.approaches.heads import Heads
from plait.approaches.prompting.asking import Asking, decoder_forms
from plait.approaches.prompting.decoder import Decoder
from plait.benchmark.latency import machine
from plait.settings import Training
from plait.sources.base import mirror
from plait.tasks import LabelPrediction, Row, Task
from plait.training.batches import DTYPES, resolve_precision, use_all_cores
from plait.training.loop import fit

Way = Callable[[Sequence[str]], object]
MAX_LENGTH, LONG = 64, 384
POST_CHARACTERS = 4000


def arguments() -> argparse.Namespace:
    made = parser(__doc__, "fewer rows and texts")
    made.add_argument("--rows", type=int, help="train rows (default 1000, quick 300)")
    made.add_argument("--tuned", type=Path, help="keep the fine-tuned model here, or find it here")
    made.add_argument("--threads", type=int, default=0, help="0: one a core")
    found = made.parse_args()
    found.weights = found.weights or backbone("smollm2")
    return found


def decoders_of(
    options: argparse.Namespace, tasks: tuple[Task, Task], rows: list[Row]
) -> tuple[Decoder, Decoder]:
    """Fine-tuned now, or found where an earlier run kept it: as plait answers, and as it comes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.tuned or Path(scratch)
        if not (folder / "model.safetensors").exists():
            tune(options, tasks, rows, folder)
        precision = resolve_precision("auto")
        usual = Decoder.load(folder, MAX_LENGTH, DTYPES[precision], precision)
        usual.model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        return Decoder.ready(folder, MAX_LENGTH, precision), usual


def tune(
    options: argparse.Namespace, tasks: tuple[Task, Task], rows: list[Row], folder: Path
) -> None:
    """One pass over the rows with each of the three prompts."""
    settings = Training(
        epochs=1,
        max_length=MAX_LENGTH,
        learning_rate=2e-4,
        evaluations=1,
        threads=options.threads,
    )
    made = Resolved("benchmark", "smollm2", "generative", "full", tasks, settings.model_dump(), 0)
    torch.manual_seed(0)
    model = Generative.build(made, options.weights, settings)
    apart = decoder_forms(tasks, False, model.decoder)
    model.asking.forms += tuple(apart)
    with tempfile.TemporaryDirectory() as scratch:
        encoded = {"massive": model.encoded("massive", rows, Path(scratch) / "t" / "d")}
        fit(model, encoded, lambda: {"intent": 0.0}, settings, 0, Path(scratch), {}, "fine-tuning")
    model.decoder.save(folder, DTYPES[resolve_precision("auto")])


def headed(weights: Path, tasks: tuple[Task, Task], max_length: int = MAX_LENGTH) -> Heads:
    """A backbone with fresh heads, as plait answers: saved, and loaded again."""
    settings = Training(max_length=max_length)
    made = Resolved("heads", weights.name, "heads", "full", tasks, settings.model_dump(), 0)
    model = Heads.build(made, weights, settings)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        return Heads.load(Path(folder), tasks)


def asked(decoder: Decoder, tasks: Sequence[Task], decoding: str, labels: bool = False) -> Way:
    """One request: all tasks in one answer."""
    forms = decoder_forms(tasks, True, decoder)
    asking = Asking(decoder, forms, "free" if decoding == "free" else "constrained", labels)
    return lambda texts: asking.answers(texts, len(texts))


def in_turn(*ways: Way) -> Way:
    return lambda texts: [way(texts) for way in ways]


def timed(ways: Mapping[str, Way], texts: Sequence[str], batch: int) -> dict[str, float]:
    """Median milliseconds a batch of each way; the ways take turns, batch after batch."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for begin in range(-batch, len(texts) - batch + 1, batch):  # the first is a warm-up
        part = texts[max(begin, 0) : max(begin, 0) + batch]
        for name, way in ways.items():
            start = time.perf_counter()
            way(part)
            if begin >= 0:
                times[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(found) for name, found in times.items()}


def posts(count: int) -> tuple[list[str], tuple[Task, Task]]:
    """Long raw posts of 20 Newsgroups from the mirror folder, and the two tasks asked of them."""
    folder = mirror()
    if folder is None:
        raise SystemExit("set PLAIT_MIRROR to a folder with 20news-bydate.tar.gz")
    found: list[str] = []
    groups: set[str] = set()
    with tarfile.open(folder / "20news-bydate.tar.gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if "test" in member.name else None
            text = stream.read().decode("latin-1") if stream else ""
            groups |= {member.name.split("/")[1]} if stream else set()
            if len(text) > POST_CHARACTERS and len(found) < count:
                found.append(text)
    tops = {group.split(".")[0] for group in groups}
    return found, (
        Task("topic20", "news", "classification", "group", tuple(sorted(groups)), "accuracy"),
        Task("topic7", "news", "classification", "top_group", tuple(sorted(tops)), "accuracy"),
    )


def accuracy(way: Way, rows: Sequence[Row]) -> float:
    found = way([row.text for row in rows])
    answers = found["intent"] if isinstance(found, dict) else []
    right = [
        isinstance(answer, LabelPrediction) and answer.label == row.labels["intent"]
        for answer, row in zip(answers, rows, strict=True)
    ]
    return sum(right) / len(right)


def short_ways(
    decoder: Decoder, usual: Decoder, heads: Heads, tasks: tuple[Task, Task]
) -> dict[str, Way]:
    intent, slots = tasks
    return {
        "label, constrained": asked(decoder, [intent], "constrained"),
        "label, generate": asked(usual, [intent], "free"),
        "label, generate, packed weights": asked(decoder, [intent], "free"),
        "label, list in prompt + generate": asked(usual, [intent], "free", labels=True),
        "joint, constrained": asked(decoder, tasks, "constrained"),
        "two, constrained": in_turn(
            asked(decoder, [intent], "constrained"), asked(decoder, [slots], "constrained")
        ),
        "two, generate": in_turn(asked(usual, [intent], "free"), asked(usual, [slots], "free")),
        "heads": lambda texts: heads.predict(texts, batch_size=len(texts)),
    }


def long_ways(decoder: Decoder, tasks: tuple[Task, Task]) -> dict[str, Way]:
    one, other = tasks
    long = Decoder(decoder.model, decoder.tokenizer, LONG, decoder.precision)
    second = Decoder(decoder.model, decoder.tokenizer, LONG, decoder.precision)
    return {
        "long: joint, constrained": asked(long, [one, other], "constrained"),
        "long: two, constrained": in_turn(
            asked(long, [one], "constrained"), asked(second, [other], "constrained")
        ),
    }


def ratios(found: Mapping[str, float]) -> dict[str, float]:
    label, two = found["label, constrained"], found["two, generate"]
    return {
        "constrained_over_generate_packed": found["label, generate, packed weights"] / label,
        "constrained_over_generate": found["label, generate"] / label,
        "constrained_over_usual": found["label, list in prompt + generate"] / label,
        "joint_over_two": found["joint, constrained"] / two,
        "heads_over_two": found["heads"] / two,
        "joint_over_two_same_decoding": found["joint, constrained"] / found["two, constrained"],
        "joint_over_two_long": found["long: joint, constrained"] / found["long: two, constrained"],
    }


def main() -> None:
    options = arguments()
    use_all_cores(options.threads)
    rows = massive_rows(options.data, options.rows or (300 if options.quick else 1000))
    tested = massive_rows(options.data, 7000)[-200:]
    tasks = tasks_of(rows)
    decoder, usual = decoders_of(options, tasks, rows)
    heads = headed(options.weights, tasks)
    count = 16 if options.quick else 32
    texts = [row.text for row in tested[:count]]
    print(f"machine: {machine()}, {resolve_precision('auto')}")
    short = short_ways(decoder, usual, heads, tasks)
    for name in ("label, constrained", "label, generate"):
        print(
            f"accuracy of intent on {len(tested)} other rows, {name}: "
            f"{accuracy(short[name], tested):.3f}"
        )
    for batch in (16, 1):
        found = timed(short, texts, batch)
        long, topics = posts(batch * (1 if options.quick or batch > 1 else 8))
        found |= timed(long_ways(decoder, topics), long, batch)
        for name, milliseconds in found.items():
            print(f"batch {batch}, {name}: {milliseconds:.1f} ms")
        for name, value in ratios(found).items():
            print(f"{name}: {value:.2f}" if batch == 1 else f"batch {batch}, {name}: {value:.2f}")


if __name__ == "__main__":
    main()
