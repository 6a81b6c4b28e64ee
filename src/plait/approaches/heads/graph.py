"""Answers by ONNX Runtime, without torch: the graph of a bundle, and the weights beside it."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors import safe_open

from plait.approaches.heads.kept import GRAPH, THRESHOLDS, WEIGHTS
from plait.errors import PlaitError
from plait.machine import threads
from plait.tasks import Task

SHARE = 4
"""Texts that are worth a thread of their own: from so many a thread, threads that share a batch
answer more texts a second than threads that share, and wait for each other in, every operation."""
ERRORS = 3
"""onnxruntime logs from this severity: warnings are about its own choices."""


class OnnxGraph:
    """A graph of all heads. Its weights are mapped into memory from the bundle's safetensors."""

    # More tokens leave the processor's caches: MiniLM then takes up to 1.3 times as long for each.
    best_tokens: int | None = 512

    def __init__(self, folder: Path, tasks: Sequence[Task]) -> None:
        self.folder, self.tasks = folder, tasks
        self._lock = Lock()
        self.sessions = {threads(): self._session(threads())}
        with safe_open(folder / WEIGHTS, "numpy") as weights:
            self._thresholds = {
                index: weights.get_tensor(f"{THRESHOLDS}{index}")
                for index, task in enumerate(tasks)
                if task.kind == "multilabel"
            }

    def _session(self, count: int) -> Any:
        """A session has its threads for good."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = count, 1
        options.log_severity_level = ERRORS
        if os.environ.get("OMP_WAIT_POLICY") == "PASSIVE":  # said to torch's threads; see stages
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = self.folder / GRAPH
        try:
            return onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of several kinds, all beside Exception alone
            raise PlaitError(
                f"{path}: ONNX Runtime can't read this graph ({type(error).__name__}: "
                f"{str(error).splitlines()[0]}). The bundle is damaged: train it again."
            ) from error

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        """Of each task in turn: (batch × classes), or for tagging (batch × length × classes).

        Args:
            inputs: `input_ids` and `attention_mask` (batch × length).
        """
        lanes = min(threads(), len(inputs["input_ids"]) // SHARE)
        if lanes < 2:
            return self._run(threads(), inputs)
        shares = zip(*(np.array_split(each, lanes) for each in inputs.values()), strict=True)
        with ThreadPoolExecutor(lanes) as pool:
            found = list(
                pool.map(lambda s: self._run(1, dict(zip(inputs, s, strict=True))), shares)
            )
        return [np.concatenate(each) for each in zip(*found, strict=True)]

    def _run(
        self, count: int, inputs: Mapping[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        with self._lock:
            if count not in self.sessions:
                self.sessions[count] = self._session(count)
        found: list[NDArray[np.float32]] = self.sessions[count].run(None, dict(inputs))
        return found

    def thresholds(self, task: Task) -> NDArray[np.float32]:
        """From which probability each label of a multilabel task applies (labels)."""
        found: NDArray[np.float32] = self._thresholds[self.tasks.index(task)]
        return found

    def parameters_count(self) -> int:
        """Number of weights, thresholds aside."""
        with safe_open(self.folder / WEIGHTS, "numpy") as weights:
            return sum(
                prod(weights.get_slice(name).get_shape())
                for name in list(weights.keys())
                if not name.startswith(THRESHOLDS)
            )
