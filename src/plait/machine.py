"""Resources of this machine: processor cores, and whether there is a GPU."""

import os
import platform
from pathlib import Path

DEVICES = Path("/dev")


def cores() -> int:
    """Cores that this process may use, by its CPU affinity and its container's limit."""
    from joblib import cpu_count  # takes 0.2 seconds, which most commands save

    return int(cpu_count())


def has_gpu(devices: Path = DEVICES) -> bool:
    """Whether CUDA finds a device; torch would know exactly, but takes seconds to import.

    Args:
        devices: folder of device files; WSL 2 has one, `dxg`, for all GPUs.
    """
    first, *_ = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    hidden = first.strip() in ("", "-1", "NoDevFiles")
    return not hidden and any([*devices.glob("nvidia[0-9]*"), *devices.glob("dxg")])


def processor() -> str:
    """The processor's model name."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
