"""Checkpoints in safetensors, in two folders that `plait.files` keeps whole.

After a kill at any moment `resume` finds the last checkpoint or the one before it, and `load_best`
the best weights or the ones before them. `best` may be ahead of `last`: `State.best` is the score
of the weights that stood there when `last` was written, so the steps that are run again find the
later ones better again and write them again.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from plait.files import atomic_folder, read_json, restore, write_json
from plait.training.history import History

OPTIMIZER = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class State:
    """How far training is.

    Attributes:
        identity: what decides its weights, part by part.
        accumulation: parts of a step, once more are needed than the settings say.
    """

    identity: Mapping[str, str]
    step: int = 0
    best: float = -1.0
    accumulation: int = 0
    history: History = field(default_factory=History)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "State":
        """The inverse of `dataclasses.asdict`."""
        return cls(**{**value, "history": History(**value["history"])})


class Store:
    """A folder with the last checkpoint and the best weights so far."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self._saved = time.monotonic()

    def differences(self, identity: Mapping[str, str]) -> list[str]:
        """Parts in which the last checkpoint, if there is one, is another run's."""
        path = self.folder / "last" / "state.json"
        if not path.exists():
            return []
        found = read_json(path).get("identity")
        # Checkpoints of earlier versions have no such parts.
        saved = found if isinstance(found, dict) else {}
        return [part for part, value in identity.items() if saved.get(part) != value]

    def resume(self, fresh: State, module: nn.Module, optimizer: torch.optim.Optimizer) -> State:
        """Load the last checkpoint of the same run into module and optimizer; else `fresh`."""
        last = self.folder / "last"
        restore(last)
        if not (last / "state.json").exists() or self.differences(fresh.identity):
            return fresh
        state = State.from_json(read_json(last / "state.json"))
        _load_weights(module, last / "model.safetensors")
        _load_optimizer(optimizer, load_file(last / "optimizer.safetensors"))
        return state

    def save_if_due(
        self, state: State, module: nn.Module, optimizer: torch.optim.Optimizer, main: bool
    ) -> None:
        """Write a checkpoint when the last one is `seconds` old (0: after every step)."""
        if not main or time.monotonic() - self._saved < self.seconds:
            return
        with atomic_folder(self.folder / "last") as partial:
            save_file(_weights(module), partial / "model.safetensors")
            save_file(_optimizer_tensors(optimizer), partial / "optimizer.safetensors")
            write_json(partial / "state.json", asdict(state))
        self._saved = time.monotonic()

    def save_best(self, module: nn.Module, main: bool) -> None:
        """Keep these weights as the best so far."""
        if main:
            with atomic_folder(self.folder / "best") as partial:
                save_file(_weights(module), partial / "model.safetensors")

    def load_best(self, module: nn.Module) -> None:
        """Put the best weights back into the module."""
        restore(self.folder / "best")
        _load_weights(module, self.folder / "best" / "model.safetensors")


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in _trained(module)}


def _trained(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, value) for name, value in module.named_parameters() if value.requires_grad]


def _load_weights(module: nn.Module, path: Path) -> None:
    saved = load_file(path)
    with torch.no_grad():
        for name, value in _trained(module):
            value.copy_(saved[name])


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{i}.{key}": optimizer.state[p][key].detach().cpu().contiguous()
        for i, p in enumerate(_parameters(optimizer))
        if p in optimizer.state
        for key in OPTIMIZER
    }


def _load_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Tensor]) -> None:
    for i, p in enumerate(_parameters(optimizer)):
        if f"{i}.step" in saved:
            optimizer.state[p] = {key: saved[f"{i}.{key}"].to(p.device) for key in OPTIMIZER}
