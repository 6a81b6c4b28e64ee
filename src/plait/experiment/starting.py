"""A first experiment for the user's own tasks: candidates that compare, and a service."""

from collections.abc import Mapping, Sequence
from typing import Any

Section = dict[str, Any]
_SEED = 17
_STEPS_ROWS, _MOST_EPOCHS = 4000, 10
"""Rows that a training sees about, in all epochs together: few rows need more epochs."""


def first_experiment(
    service: str, additions: Mapping[str, Mapping[str, Any]], encoder: Section | None, rows: int
) -> dict[str, Any]:
    """The sections of params.yaml: the data, and a floor beside fine-tuned models.

    Args:
        service: its name, which is the experiment's, too.
        additions: the datasets and tasks.
        encoder: the backbone to fine-tune; without one, all candidates are TF-IDF.
        rows: number of rows of the data, for the number of epochs.
    """
    tasks = list(additions["tasks"])
    candidates = {"tfidf": _candidate("tfidf", "linear", tasks)}
    plans = {"floor": ["tfidf"]}
    if encoder is not None:
        tuned, of_plans = _fine_tuned(tasks)
        candidates, plans = candidates | tuned, {**of_plans, **plans}
    elif len(tasks) > 1:
        alone = {f"tfidf-{task}": _candidate("tfidf", "linear", [task]) for task in tasks}
        candidates, plans = candidates | alone, {**plans, "one-per-task": list(alone)}
    return {
        "name": service,
        "seed": _SEED,
        **additions,
        "backbones": {**({"encoder": encoder} if encoder else {}), "tfidf": {"kind": "none"}},
        "training": _training(rows),
        "validation": {},
        "candidates": candidates,
        "services": {service: _service(tasks, plans, encoder is not None)},
    }


def _fine_tuned(tasks: Sequence[str]) -> tuple[dict[str, Section], dict[str, list[str]]]:
    """One model a task and one for all; for a single task, all weights and low-rank adapters."""
    alone = {f"encoder-{task}": _candidate("encoder", "heads", [task]) for task in tasks}
    if len(tasks) == 1:
        lora = {**_candidate("encoder", "heads", tasks), "method": "lora"}
        name = f"encoder-{tasks[0]}-lora"
        return {**alone, name: lora}, {"one-model": list(alone), "adapters": [name]}
    name = f"encoder-{'+'.join(tasks)}"[:80].rstrip("+-")
    plans = {"consolidated": [name], "one-per-task": list(alone)}
    return {**alone, name: _candidate("encoder", "heads", tasks)}, plans


def _candidate(backbone: str, approach: str, tasks: Sequence[str]) -> Section:
    return {"backbone": backbone, "approach": approach, "tasks": list(tasks)}


def _training(rows: int) -> Section:
    epochs = min(_MOST_EPOCHS, max(2, round(_STEPS_ROWS / max(rows, 1))))
    return {
        "epochs": epochs,
        "batch_size": 16,
        "learning_rate": 3e-4,
        "evaluations": min(epochs, 4),
        "threads": 1,
    }


def _service(tasks: Sequence[str], plans: Mapping[str, list[str]], floor: bool) -> Section:
    found: Section = {"tasks": list(tasks), "plans": dict(plans)}
    return {**found, "floor": "floor", "margin": 0.01} if floor else {**found, "margin": 0.01}
