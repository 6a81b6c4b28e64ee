"""Approach `linear`: TF-IDF and a linear support vector machine per task."""

from plait.approaches.linear.model import Linear

APPROACH = Linear

__all__ = ["APPROACH", "Linear"]
