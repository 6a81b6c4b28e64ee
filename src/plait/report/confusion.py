"""Confusion matrices: a picture that stays readable at 60 classes, and the top mistakes."""

from collections.abc import Sequence
from typing import Any


def confusion_layout(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Geometry of a confusion matrix in pixels: rows gold, columns predicted, shade = share of row.

    Only cells that hold something are drawn: 60 classes stay light and readable.
    """
    side = 34 if len(labels) <= 10 else 18
    margin = 12 + 6.2 * max(map(len, labels))
    cells = [
        {
            "x": margin + column * side,
            "y": margin + row * side,
            "share": round(count / sum(line), 3),
            "count": count,
            "hit": row == column,
            "title": f"{labels[row]} → {labels[column]}: {count} of {sum(line)}",
        }
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count
    ]
    places = [(label, margin + index * side) for index, label in enumerate(labels)]
    return {
        "side": side,
        "margin": margin,
        "size": margin + len(labels) * side + 2,
        "cells": cells,
        "labels": places,
        "numbers": side > 20,
    }


def top_confusions(
    labels: Sequence[str], counts: Sequence[Sequence[int]], most: int = 10
) -> list[tuple[str, str, int]]:
    """The most frequent mistakes: gold, predicted, count."""
    found = [
        (gold, predicted, count)
        for gold, line in zip(labels, counts, strict=True)
        for predicted, count in zip(labels, line, strict=True)
        if gold != predicted and count
    ]
    return sorted(found, key=lambda mistake: (-mistake[2], mistake))[:most]
