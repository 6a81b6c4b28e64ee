"""One training loop for every approach that learns by gradient, on one process or several.

Every random choice of a step (order of rows, dropout) follows from the seed and the number of the
step alone, so a run that goes on from a checkpoint ends with the weights of one that never stopped.
"""

import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from torch import Tensor, nn

from plait.progress import Progress
from plait.settings import Training
from plait.training import checkpoints
from plait.training.batches import IGNORED, Batch, resolve_precision
from plait.training.history import History, by_task
from plait.training.launching import check_environment, check_processes
from plait.training.memory import OutOfMemory, memory_for
from plait.training.mixture import Mixture, Step
from plait.training.trackers import TRACKED, Log, check_trackers, tracking

# cuBLAS reads it when CUDA starts: without it, sums may be taken in another order each time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

REMEDY = (
    "Lower batch_size or max_length of the candidate's training, raise gradient_accumulation, or "
    "set gradient_checkpointing. Where one row is too much, take method lora or a smaller backbone."
)


class Learner(Protocol):
    """What the loop needs of an approach: a module whose forward gives, by task, summed losses."""

    @property
    def module(self) -> nn.Module:
        """What is trained."""

    def collate(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """Pad encoded rows into a batch."""


def fit(
    learner: Learner,
    encoded: Mapping[str, Any],
    evaluate: Callable[[], Mapping[str, float]],
    settings: Training,
    seed: int,
    scratch: Path,
    identity: Mapping[str, str],
    label: str,
) -> History:
    """Train `learner.module` in place; it ends with the weights that were best on dev rows.

    Args:
        encoded: rows by dataset, each with `input_ids` and `targets`.
        evaluate: scores on dev rows by task, higher is better; their mean chooses the weights.
        scratch: folder for checkpoints; one of the same run is resumed.
        identity: what the run starts from, learns from and is told, by part; where it runs is
            added here.

    Returns:
        What happened, also before a kill.
    """
    return _Loop(learner, encoded, evaluate, settings, seed, scratch, identity).run(label)


class _Loop:
    def __init__(
        self,
        learner: Learner,
        encoded: Mapping[str, Any],
        evaluate: Callable[[], Mapping[str, float]],
        settings: Training,
        seed: int,
        scratch: Path,
        identity: Mapping[str, str],
    ) -> None:
        self.learner, self.encoded, self.evaluate = learner, encoded, evaluate
        self.settings, self.seed = settings, seed
        self.accelerator = self._accelerator(len(encoded) > 1, scratch / TRACKED)
        lengths = {name: rows["length"] for name, rows in encoded.items()}
        self.mixture = Mixture(lengths, settings.batch_size, settings.temperature, seed)
        self.total = max(1, round(settings.epochs * self.mixture.steps_per_epoch()))
        self.state = checkpoints.State({**identity, **self._surroundings()})
        self.store = checkpoints.Store(scratch, settings.checkpoint_seconds)
        self.optimizer = self._optimizer()
        with memory_for("in moving the model to its device", REMEDY):
            self.model, self.optimizer = self.accelerator.prepare(learner.module, self.optimizer)
        self.device = self.accelerator.device

    def _surroundings(self) -> dict[str, str]:
        """Device, precision, processes, threads and steps also decide what a step computes."""
        return {
            "device": self.accelerator.device.type,
            "precision": self.accelerator.mixed_precision,
            "processes": str(self.accelerator.num_processes),
            "threads": str(torch.get_num_threads()),
            "steps": str(self.total),
        }

    def _accelerator(self, several_datasets: bool, tracked: Path) -> Accelerator:
        check_trackers(self.settings.trackers)
        precision = resolve_precision(self.settings.precision)
        # A step holds rows of one dataset, so the heads of the others get no gradient in it.
        unused = DistributedDataParallelKwargs(find_unused_parameters=several_datasets)
        check_environment()
        accelerator = Accelerator(
            mixed_precision="bf16" if precision == "bf16" else "no",
            kwargs_handlers=[unused],
            log_with=list(self.settings.trackers) or None,
            project_dir=tracked,
        )
        check_processes(accelerator)
        return accelerator

    def _optimizer(self) -> torch.optim.Optimizer:
        decayed = [p for p in self.learner.module.parameters() if p.requires_grad and p.ndim > 1]
        kept = [p for p in self.learner.module.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.settings.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.settings.learning_rate, fused=True)

    def run(self, label: str) -> History:
        module = self.accelerator.unwrap_model(self.model)
        self._resume(module, label)
        told = tracking(self.accelerator, self.settings.trackers, label)
        with _repeatable(self.device), told as log:
            self._steps(module, label, log)
        self.store.load_best(module)
        self.accelerator.wait_for_everyone()
        return self.state.history

    def _resume(self, module: nn.Module, label: str) -> None:
        other = self.store.differences(self.state.identity)
        self.state = self.store.resume(self.state, module, self.optimizer)
        if not self.accelerator.is_main_process:
            return
        if self.state.step:
            print(f"{label}: goes on from step {self.state.step} of {self.total}", file=sys.stderr)
        elif other:
            print(
                f"{label}: starts anew: its checkpoint is another run's, by {', '.join(other)}",
                file=sys.stderr,
            )

    def _steps(self, module: nn.Module, label: str, log: Log) -> None:
        rows = sum(self.mixture.rows_per_epoch().values()) * self.total
        rows //= self.mixture.steps_per_epoch()
        with Progress(rows, label, "row") as bar:
            for number, step in enumerate(self.mixture.steps(self.total)):
                if number < self.state.step:
                    bar.update(len(step.rows))
                    continue
                values = self.learn(number, step)
                self.state.step = number + 1
                self.state.history.add(self.state.step, self.total, values)
                best = {"dev": round(self.state.best, 4)} if self.state.best >= 0 else {}
                bar.update(len(step.rows), loss=round(values["loss"], 4), **best)
                log(self.state.step, {**values, **best}, len(step.rows))
                self._between_steps(module)

    def learn(self, number: int, step: Step) -> dict[str, float]:
        """One optimizer step; returns its values for the history.

        Its loss is the sum over tasks of the mean over their targets.
        """
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * self._schedule(number)
        while (found := self._gradients(number, step)) is None:
            self._take_smaller_parts()
        with memory_for("in a step of the optimizer", REMEDY):
            norm = self.accelerator.clip_grad_norm_(
                self.model.parameters(), self.settings.max_grad_norm
            )
            self.optimizer.step()  # the first one makes its moments: twice the weights
            self.optimizer.zero_grad()
        more = {"gradient-accumulation": self._parts} if self.state.accumulation else {}
        return {
            "loss": sum(found.values()),
            **by_task("loss", found),
            "learning-rate": self.optimizer.param_groups[0]["lr"],
            "gradient-norm": float(norm),
            **more,
        }

    def _gradients(self, number: int, step: Step) -> dict[str, float] | None:
        """Add up a step's gradients; the loss by task. None: memory ran out, smaller parts may do.

        Raises:
            OutOfMemory: no smaller parts are possible.
        """
        torch.manual_seed(hash((self.seed, number, self.accelerator.process_index)) % 2**63)
        micro = self._micro_batches(step)
        counts = self._counts(micro)
        mine = micro[self.accelerator.process_index :: self.accelerator.num_processes]
        try:
            with memory_for(self._size(mine), REMEDY):
                losses = torch.stack(
                    [self._backward(each, counts, each is mine[-1]) for each in mine]
                ).sum(0)
        except OutOfMemory:
            # Processes must agree on the parts; one that ran out can't tell the others.
            if self.accelerator.num_processes > 1 or 2 * self._parts > len(step.rows):
                raise
            return None
        losses = self.accelerator.reduce(losses, "sum").tolist()
        return dict(zip(counts, losses, strict=True))

    def _take_smaller_parts(self) -> None:
        """Halve the parts of a step; their sum, and so what is learned, stays that of the step."""
        self.optimizer.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.state.accumulation = 2 * self._parts
        print(
            f"memory ran out: goes on with gradient_accumulation: {self._parts}. Write it into the "
            "candidate's training, so that it is trained alike the next time",
            file=sys.stderr,
        )

    @property
    def _parts(self) -> int:
        return self.state.accumulation or self.settings.gradient_accumulation

    @staticmethod
    def _size(batches: Sequence[Batch]) -> str:
        rows, length = batches[0].inputs["input_ids"].shape
        return f"in a training step of {len(batches)} × {rows} rows of {length} tokens"

    def _micro_batches(self, step: Step) -> list[Batch]:
        """The step's rows cut into equal parts, as many for each process."""
        parts = self._parts * self.accelerator.num_processes
        cuts = [step.rows[i::parts] or step.rows[:1] for i in range(parts)]
        empty = [not step.rows[i::parts] for i in range(parts)]
        data = self.encoded[step.dataset]
        batches = [self.learner.collate(step.dataset, [data[i] for i in cut]) for cut in cuts]
        return [_silenced(b) if silent else b for b, silent in zip(batches, empty, strict=True)]

    @staticmethod
    def _counts(batches: Sequence[Batch]) -> dict[str, int]:
        """Targets of each task in the whole step: micro-batches must not be averaged one by one."""
        names = batches[0].targets
        return {
            name: sum(int((batch.targets[name] != IGNORED).sum()) for batch in batches)
            for name in names
        }

    def _backward(self, batch: Batch, counts: Mapping[str, int], last: bool) -> Tensor:
        """(tasks,): the part of each task's loss, in the order of `counts`."""
        inputs = {name: value.to(self.device) for name, value in batch.inputs.items()}
        targets = {name: value.to(self.device) for name, value in batch.targets.items()}
        context = self.accelerator.no_sync(self.model) if not last else nullcontext()
        with context:
            losses = self.model(inputs, targets)
            parts = [losses[name] / max(1, count) for name, count in counts.items()]
            # Processes' gradients are averaged; the loss above is a sum over all of them.
            self.accelerator.backward(sum(parts) * self.accelerator.num_processes)
        return torch.stack(parts).detach()

    def _schedule(self, number: int) -> float:
        """Linear warm-up, then linear decay to zero."""
        warm = math.ceil(self.settings.warmup * self.total)
        if number < warm:
            return (number + 1) / warm
        return (self.total - number) / max(1, self.total - warm)

    def _between_steps(self, module: nn.Module) -> None:
        every = max(1, math.ceil(self.total / self.settings.evaluations))
        if self.state.step % every == 0 or self.state.step == self.total:
            module.eval()
            scores = self.evaluate()
            score = sum(scores.values()) / len(scores)
            self.state.history.point(self.state.step, {"dev": score, **by_task("dev", scores)})
            if score > self.state.best:
                self.state.best = score
                self.store.save_best(module, self.accelerator.is_main_process)
        self.accelerator.wait_for_everyone()
        self.store.save_if_due(self.state, module, self.optimizer, self.accelerator.is_main_process)


@contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """Ask a GPU for deterministic algorithms; those used on a CPU are deterministic anyway.

    An operation that has no such algorithm warns.
    """
    if device.type != "cuda":
        yield
        return
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def _silenced(batch: Batch) -> Batch:
    """A stand-in for a process that has no row in this step: nothing in it is learned from."""
    targets = {name: torch.full_like(value, IGNORED) for name, value in batch.targets.items()}
    return Batch(batch.inputs, targets)
