"""Approach `heads`: a shared encoder or decoder and one linear head per task."""

from plait.approaches.heads.model import Heads

APPROACH = Heads

__all__ = ["APPROACH", "Heads"]
