"""Approach `prompt`: a pretrained model is asked in words, with or without examples."""

from plait.approaches.prompt.model import Prompted

APPROACH = Prompted

__all__ = ["APPROACH", "Prompted"]
