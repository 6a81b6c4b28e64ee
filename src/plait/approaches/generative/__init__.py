"""Approach `generative`: a decoder that writes the labels; fine-tuned on the right answers."""

from plait.approaches.generative.model import Generative

APPROACH = Generative

__all__ = ["APPROACH", "Generative"]
