"""Training rate of a decoder: plait's loop, padded and packed, against `transformers.Trainer`.

All learn the same prompts and answers of MASSIVE (intent and slots in one answer) in the same
batches' size and precision; the Trainer pads with its default collator for completion-only labels
and computes the vocabulary's scores of every token, as is usual. They take turns, round after
round; a rate counts the tokens of prompts and answers, never padding.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

from massive import backbone, parser
from massive import rows as massive_rows
from plait.approaches.base import Resolved
from plait.approaches.generative import Generative
from plait.benchmark.latency import machine
from plait.settings import Training
from plait.tasks import Row, Task
from plait.training.batches import IGNORED, resolve_precision, use_all_cores
from plait.training.loop import fit

BATCH = 16


def tasks_of(rows: Sequence[Row]) -> tuple[Task, Task]:
    """Intent and slots, with the labels that the rows have."""
    intents = {str(row.labels["intent"]) for row in rows}
    types = {s.label for row in rows for s in row.labels["slots"] or () if not isinstance(s, str)}
    return (
        Task("intent", "massive", "classification", "intent", tuple(sorted(intents)), "accuracy"),
        Task("slots", "massive", "tagging", "slots", tuple(sorted(types)), "span_f1"),
    )


def ours(
    tasks: tuple[Task, Task],
    rows: Sequence[Row],
    weights: Path,
    packing: bool,
    batch: int = BATCH,
) -> float:
    """Tokens a second of `plait.training.loop.fit`."""
    settings = Training(
        epochs=1,
        batch_size=batch,
        max_length=64,
        evaluations=1,
        packing=packing,
        checkpoint_seconds=3600,  # the Trainer saves nothing, either
    )
    made = Resolved("b", "smollm2", "generative", "full", tasks, settings.model_dump(), 0)
    with tempfile.TemporaryDirectory() as scratch:
        model = Generative.build(made, weights, settings)
        encoded = model.encoded("massive", rows, Path(scratch) / "t" / "d")
        by_dataset, score = {"massive": encoded}, {"intent": 0.0}
        start = time.perf_counter()
        fit(model, by_dataset, lambda: score, settings, 0, Path(scratch), {}, "plait")
        return sum(encoded["length"]) / (time.perf_counter() - start)


def theirs(
    tasks: tuple[Task, Task], rows: Sequence[Row], weights: Path, batch: int = BATCH
) -> float:
    """Tokens a second of `transformers.Trainer` on the same examples."""
    settings = Training(max_length=64)
    made = Resolved("b", "smollm2", "generative", "full", tasks, settings.model_dump(), 0)
    with tempfile.TemporaryDirectory() as scratch:
        encoded = Generative.build(made, weights, settings).encoded(
            "massive", rows, Path(scratch) / "t" / "d"
        )
        examples = [
            {
                "input_ids": row["input_ids"],
                "attention_mask": [1] * row["length"],
                "labels": [IGNORED] * (row["length"] - row["answer"])
                + row["input_ids"][-row["answer"] :],
            }
            for row in encoded
        ]
        trainer = Trainer(
            model=AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32),
            args=TrainingArguments(
                output_dir=scratch,
                per_device_train_batch_size=batch,
                num_train_epochs=1,
                learning_rate=2e-4,
                bf16=resolve_precision("auto") == "bf16",
                use_cpu=not torch.cuda.is_available(),  # or it refuses bf16 on a CPU
                report_to=[],
                save_strategy="no",
                logging_strategy="no",
                disable_tqdm=True,
            ),
            train_dataset=examples,
            data_collator=DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(weights)),
        )
        start = time.perf_counter()
        trainer.train()
        return sum(encoded["length"]) / (time.perf_counter() - start)


def main() -> None:
    options = parser(__doc__, "fewer rows and one round (2 minutes; else 10)").parse_args()
    weights = options.weights or backbone("smollm2")
    use_all_cores(0)
    rows = massive_rows(options.data, 48 if options.quick else 96)
    tasks = tasks_of(rows)
    print(f"{len(rows)} rows, batch {BATCH}, {resolve_precision('auto')}, {machine()}")
    padded, packed = [], []
    for number in range(1 if options.quick else 3):
        usual = theirs(tasks, rows, weights)
        ways = [ours(tasks, rows, weights, packing) for packing in (False, True)]
        padded.append(ways[0] / usual)
        packed.append(ways[1] / usual)
        print(
            f"round {number + 1}: Trainer {usual:.0f} tokens/s, plait padded {ways[0]:.0f}, "
            f"packed {ways[1]:.0f}"
        )
    print(f"packed_ratio: {statistics.median(packed):.2f}")
    print(f"ratio: {statistics.median(padded):.2f}")


if __name__ == "__main__":
    main()
