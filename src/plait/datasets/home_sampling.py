"""Samples of a template grammar for each split; no template is in two splits."""

import heapq
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plait.datasets.home_grammar import Grammar, Resolved, Sample, Template, pick, skeleton
from plait.datasets.splits import rank
from plait.tasks import SPLITS, Split

_FEW = 5
"""An intent with fewer sentences is split by skeleton, others by sentence."""
_SKELETON_DRAWS = 400
_ATTEMPTS = 30
_SURPLUS = 3
_DEV, _HELDOUT = 0.15, 0.25


@dataclass(frozen=True)
class Unit:
    """The unit of splitting: a sentence, or one skeleton of it."""

    template: Template
    resolved: Resolved | None

    @property
    def key(self) -> str:
        return skeleton(self.resolved) if self.resolved else self.template.text


class Sampler:
    """Draws distinct samples, and keeps each skeleton in one split."""

    def __init__(self, grammar: Grammar, seed: int) -> None:
        self._grammar, self._seed = grammar, seed
        self._texts: set[str] = set()
        self._owners: dict[str, Split] = {}
        self._templates = grammar.templates()
        # Intents that are split by skeleton come first, because they have the fewest units.
        few = sorted(self._templates, key=lambda name: (len(self._templates[name]) >= _FEW, name))
        self.units = {name: self._divide(name) for name in few}

    def samples(self, sizes: Mapping[Split, int]) -> Iterator[tuple[Split, str, list[Sample]]]:
        """Yield split, intent and samples; fewer than `sizes` if the texts run out."""
        # The fourth root keeps intents with many sentences from dominating.
        weights = {name: math.sqrt(math.sqrt(len(t))) for name, t in self._templates.items()}
        for split in SPLITS:
            wanted = sizes[split]
            most = quotas(wanted * _SURPLUS, weights, dict.fromkeys(weights, wanted))
            drawn = {name: self._draw(name, split, most[name]) for name in self._templates}
            kept = quotas(wanted, weights, {name: len(found) for name, found in drawn.items()})
            for name, found in drawn.items():
                chosen = found[: kept[name]]
                self._owners.update({sample.skeleton: split for sample in chosen})
                yield split, name, chosen

    def _divide(self, intent: str) -> dict[Split, list[Unit]]:
        """The units of each split; if there are few, held-out gets one before dev."""
        ordered = sorted(self._divisible(intent), key=lambda u: rank(self._seed, intent, u.key))
        count = len(ordered)
        heldout = max(round(count * _HELDOUT), 1) if count > 1 else 0
        dev = heldout + (max(round(count * _DEV), 1) if count > 2 else 0)
        units: dict[Split, list[Unit]] = {
            "train": ordered[dev:],
            "dev": ordered[heldout:dev],
            "heldout": ordered[:heldout],
        }
        for split, members in units.items():
            self._owners.update({unit.key: split for unit in members if unit.resolved})
        return units

    def _divisible(self, intent: str) -> list[Unit]:
        templates = self._templates[intent]
        if len(templates) >= _FEW:
            return [Unit(template, None) for template in templates]
        draw = random.Random(f"{self._seed}/{intent}/units")
        resolved = (
            Unit(template, self._grammar.resolve(template, draw))
            for template in templates
            for _ in range(_SKELETON_DRAWS)
        )
        found = {unit.key: unit for unit in resolved}
        return [unit for key, unit in found.items() if key not in self._owners]

    def _draw(self, intent: str, split: Split, wanted: int) -> list[Sample]:
        """Up to `wanted` samples with new texts and no skeleton of another split."""
        units, found = self.units[intent][split], list[Sample]()
        draw = random.Random(f"{self._seed}/{intent}/{split}")
        for _ in range(wanted * _ATTEMPTS if units else 0):
            unit = pick(units, draw)
            resolved = unit.resolved or self._grammar.resolve(unit.template, draw)
            sample = self._grammar.fill(resolved, unit.template, split, draw)
            text = sample.text.lower()
            if text not in self._texts and self._owners.get(sample.skeleton, split) == split:
                self._texts.add(text)
                found.append(sample)
            if len(found) == wanted:
                break
        return found


def quotas(
    total: int, weights: Mapping[str, float], capacities: Mapping[str, int]
) -> dict[str, int]:
    """Distribute `total` in proportion to the weights, within the capacities."""
    shares = dict.fromkeys(weights, 0)
    queue = [(0.0, name) for name in sorted(weights) if capacities[name]]
    heapq.heapify(queue)
    for _ in range(total):
        if not queue:
            break
        _, name = heapq.heappop(queue)
        shares[name] += 1
        if shares[name] < capacities[name]:
            heapq.heappush(queue, (shares[name] / weights[name], name))
    return shares
