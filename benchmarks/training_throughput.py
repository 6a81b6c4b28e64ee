"""Training rate of plait's loop against a plain `transformers.Trainer`, in one run.

Both fine-tune the same encoder on the same rows with the same batch size and precision; the two
take turns, round after round, and the ratio is taken within each round, since machines drift.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from massive import backbone, parser, rows
from plait.approaches.base import Resolved
from plait.approaches.heads.learning import LearnedHeads
from plait.settings import Training
from plait.tasks import Row, Task
from plait.training.batches import resolve_precision, use_all_cores
from plait.training.loop import fit

BATCH = 32
Precision = Literal["auto", "bf16", "fp32"]


def arguments() -> argparse.Namespace:
    made = parser(__doc__, "fewer rows and rounds (a minute)")
    made.add_argument("--precision", choices=get_args(Precision), default="auto", help="of both")
    made.add_argument("--rows", type=int, help="train rows (default 3000, quick 1000)")
    return made.parse_args()


def plait_rate(
    task: Task, train: list[Row], weights: Path, precision: Precision, batch: int = BATCH
) -> float:
    """Rows a second of `plait.training.loop.fit`, tokenised beforehand."""
    settings = Training(
        epochs=1, batch_size=batch, max_length=64, evaluations=1, precision=precision
    )
    made = Resolved("benchmark", "minilm", "heads", "full", (task,), settings.model_dump(), 0)
    with tempfile.TemporaryDirectory() as scratch:
        model = LearnedHeads.build(made, weights, settings)
        encoded = {task.dataset: model.encoded(task.dataset, train, Path(scratch) / "t" / "d")}
        start = time.perf_counter()
        fit(model, encoded, lambda: {"intent": 0.0}, settings, 0, Path(scratch), {}, "plait")
        return len(train) / (time.perf_counter() - start)


def trainer_rate(
    task: Task, train: list[Row], weights: Path, precision: Precision, batch: int = BATCH
) -> float:
    """Rows a second of `transformers.Trainer` with its default collator, tokenised beforehand."""
    tokenizer = AutoTokenizer.from_pretrained(weights)
    model = AutoModelForSequenceClassification.from_pretrained(
        weights, num_labels=len(task.labels), dtype=torch.float32
    )
    data: list[dict[str, Any]] = [
        {
            **tokenizer(row.text, truncation=True, max_length=64),
            "labels": task.labels.index(str(row.labels[task.field])),
        }
        for row in train
    ]
    with tempfile.TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            output_dir=scratch,
            per_device_train_batch_size=batch,
            num_train_epochs=1,
            learning_rate=2e-4,
            bf16=resolve_precision(precision) == "bf16",
            use_cpu=not torch.cuda.is_available(),  # or it refuses bf16 on a CPU
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        collator = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(model=model, args=settings, train_dataset=data, data_collator=collator)
        start = time.perf_counter()
        trainer.train()
        return len(train) / (time.perf_counter() - start)


def main() -> None:
    options = arguments()
    os.environ.setdefault("PLAIT_PROGRESS_LINES", "")
    use_all_cores(0)
    weights = options.weights or backbone("minilm")
    train = rows(options.data, options.rows or (1000 if options.quick else 3000))
    labels = tuple(sorted({str(row.labels["intent"]) for row in train}))
    task = Task("intent", "massive", "classification", "intent", labels, "accuracy")
    rounds = 2 if options.quick else 3
    print(
        f"{len(train)} rows of MASSIVE en-US intent, batch {BATCH}, "
        f"{resolve_precision(options.precision)}, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}"
    )
    ratios = []
    for number in range(rounds):
        ours, theirs = (
            rate(task, train, weights, options.precision) for rate in (plait_rate, trainer_rate)
        )
        ratios.append(ours / theirs)
        print(f"round {number + 1}: plait {ours:.0f} rows/s, Trainer {theirs:.0f} rows/s")
    print(f"ratio: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
