"""Confusion matrices: a picture that stays readable at 60 classes, and the top mistakes."""

import math
from collections.abc import Sequence
from typing import Any

# Pixels of a cell by the number of classes: a label of 11 px always fits beside its line.
SIDES = ((10, 34), (30, 22), (math.inf, 15))


def confusion_layout(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Geometry of a confusion matrix in pixels: rows gold, columns predicted, shade = share of row.

    Only cells that hold something are drawn: 60 classes stay light and readable.
    """
    side = next(side for most, side in SIDES if len(labels) <= most)
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
