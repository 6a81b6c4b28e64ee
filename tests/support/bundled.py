"""Bundles with random heads: nothing is trained, and probabilities are far from equal."""

from pathlib import Path

import torch

from conftest import INTENT, SLOTS, candidate
from plait import bundle
from plait.approaches.heads.learning import LearnedHeads
from plait.settings import Training
from plait.tasks import Task

ABOUT = Task("about", "home", "multilabel", "about", ("off", "on", "room"), "micro_f1")
TASKS = (INTENT, SLOTS, ABOUT)


def heads(weights: Path, folder: Path, *tasks: Task, max_length: int = 48) -> Path:
    """A bundle of approach `heads` on a backbone; the thresholds of labels differ."""
    made = candidate(*(tasks or TASKS), precision="fp32", threads=1, max_length=max_length)
    settings = Training(max_length=max_length, precision="fp32")
    model = LearnedHeads.build(made, weights, settings)
    torch.manual_seed(5)
    for head in model.module.heads:
        torch.nn.init.normal_(head.weight, std=0.5)
    if ABOUT in made.tasks:
        model.module.thresholds(ABOUT.name).copy_(torch.tensor([0.3, 0.6, 0.5]))
    bundle.save(model, made, folder)
    return folder
