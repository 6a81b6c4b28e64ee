"""What this machine gives a process: processor cores, and whether there is a GPU."""

import os
from pathlib import Path

DEVICES = Path("/dev")


def cores() -> int:
    """Cores that this process may use: its affinity and its container's limit are respected."""
    from joblib import cpu_count  # 0.2 seconds, which most commands needn't spend

    return int(cpu_count())


def has_gpu(devices: Path = DEVICES) -> bool:
    """Whether CUDA finds a device; torch would know exactly, but takes seconds to import.

    Args:
        devices: where the system shows devices; on WSL 2 all GPUs are one, `dxg`.
    """
    first, *_ = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    hidden = first.strip() in ("", "-1", "NoDevFiles")
    return not hidden and any([*devices.glob("nvidia[0-9]*"), *devices.glob("dxg")])
