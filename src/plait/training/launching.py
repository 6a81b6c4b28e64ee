"""Training on several processes of one machine, under `accelerate launch`: data parallel only.

Bundles and checkpoints are written from one process, which under sharding (FSDP, DeepSpeed, tensor
parallel) has a part of the weights. So a sharded training is refused before it begins.
"""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait import strict_yaml
from plait.errors import MISTAKE, PlaitError

if TYPE_CHECKING:
    from accelerate import Accelerator

CONFIG = "PLAIT_ACCELERATE_CONFIG"
"""Environment variable: the accelerate configuration that trainings are launched with."""
SHARDING = tuple(
    f"ACCELERATE_USE_{name}" for name in ("FSDP", "DEEPSPEED", "MEGATRON_LM", "PARALLELISM_CONFIG")
)
EXPECTED = (
    'expected "NO" (in quotes) or data parallel, such as MULTI_GPU: each process needs all '
    "weights, for bundles and checkpoints are written from one of them. See infra/accelerate"
)


def launch(config: Path, module: str, *arguments: str) -> int:
    """Run `python -m MODULE ARGUMENTS` under `accelerate launch`; returns its exit status.

    Raises:
        PlaitError: the configuration is no good, or a process ended with a user's mistake.
    """
    check_config(config)
    with own_port() as port, tempfile.TemporaryDirectory() as folder:
        mistake = Path(folder, "mistake")
        options = ["--quiet", "--config_file", str(config), "--main_process_port", str(port)]
        command = ["-m", "accelerate.commands.launch", *options, "-m", module, *arguments]
        environment = {**os.environ, MISTAKE: str(mistake)}
        done = subprocess.run([sys.executable, *command], env=environment, check=False)
        if done.returncode and mistake.is_file():
            raise PlaitError(mistake.read_text(encoding="utf-8"))
    return done.returncode


def check_config(path: Path) -> None:
    """Read a configuration as accelerate does.

    Raises:
        PlaitError: it can't be read, or asks for more than data parallel on one machine.
    """
    config = _read(path)
    kind = getattr(config.distributed_type, "value", config.distributed_type)
    if not _is_data_parallel(kind):
        raise PlaitError(f"{CONFIG}: {path}: distributed_type: found {kind!r}, {EXPECTED}")
    if config.parallelism_config:
        raise PlaitError(f"{CONFIG}: {path}: parallelism_config: take it out; {EXPECTED}")
    if config.num_machines != 1:
        raise PlaitError(
            f"{CONFIG}: {path}: num_machines: found {config.num_machines}, expected 1: a training "
            "runs on one machine"
        )


def _read(path: Path) -> Any:
    from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file

    try:
        if not isinstance(strict_yaml.read(path), dict):
            raise ValueError("expected settings, each as `name: value`")
        config = load_config_from_file(str(path))
        if not isinstance(config, ClusterConfig):
            raise ValueError("compute_environment: expected LOCAL_MACHINE")
    except (PlaitError, OSError, ValueError, TypeError) as error:
        words = str(error).removeprefix(f"{path}: ")
        raise PlaitError(
            f"{CONFIG}: {path}: no configuration of accelerate: {words}. Name a file like those in "
            "infra/accelerate, or unset the variable."
        ) from error
    return config


def _is_data_parallel(kind: object) -> bool:
    return kind == "NO" or str(kind).startswith("MULTI_")


@contextmanager
def own_port() -> Iterator[int]:
    """A free port, held so that no other launch gets it meanwhile.

    It is held, not listened on: the system gives it to nobody who asks for any port, and whoever
    knows its number can still listen on it.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def check_environment() -> None:
    """Check what a launcher that was called by hand asks for, before accelerate acts on it.

    Raises:
        PlaitError: it asks for sharding.
    """
    from accelerate.utils import parse_flag_from_env

    for name in SHARDING:
        if parse_flag_from_env(name):
            raise PlaitError(f"{name}: found {os.environ[name]}; unset it: {EXPECTED}")


def check_processes(accelerator: "Accelerator") -> None:
    """Check that several processes train together, each with all weights.

    Raises:
        PlaitError: they are not data parallel, or each of several would train on its own.
    """
    kind, world = accelerator.distributed_type.value, int(os.environ.get("WORLD_SIZE", "1"))
    if not _is_data_parallel(kind):
        raise PlaitError(f"distributed_type: found {kind!r}, {EXPECTED}")
    if world > 1 and accelerator.num_processes == 1:
        raise PlaitError(
            f"WORLD_SIZE: {world} processes were started, but they found no GPU, so each would "
            "train alone. Start one, or set ACCELERATE_USE_CPU=true to train on the CPU."
        )
