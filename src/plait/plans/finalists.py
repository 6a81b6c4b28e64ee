"""Finalists: the winner of each service, as a record that says where everything came from.

Reads what the stages wrote into a project: scores, predictions, data checks, timings, bundles.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plait import bundle
from plait.errors import PlaitError
from plait.experiment.schema import Experiment
from plait.files import read_json, read_jsonl
from plait.plans.gates import Evidence, Gate, of_machine
from plait.plans.seeds import siblings
from plait.plans.verdict import ByTask, Contender, Scores, Verdict, answered_by, judge
from plait.registry.cards import shown
from plait.registry.origin import stamp
from plait.registry.records import Record, Stage
from plait.scores.row_results import RowResults, kept_answers, row_results
from plait.validation.gates import GATES, stopped


@dataclass(frozen=True)
class Finalist:
    """The winner of a service's verdict, and a record of it that says `refused`.

    `contender` is None where no plan may win. `machine` are its gates on time and memory, measured
    on this machine.
    """

    verdict: Verdict
    draft: Record
    contender: Contender | None
    machine: tuple[Gate, ...] = ()


@dataclass(frozen=True)
class Outputs:
    """What the stages wrote of the candidates, by name."""

    scores: Scores
    details: Mapping[str, Any]
    rows: ByTask


def finalists(
    experiment: Experiment, services: Sequence[str], root: Path, stage: Stage
) -> list[Finalist]:
    """The winner of each service of an experiment that has been run in `root`.

    Plans whose candidates validation has stopped are out; the others go on.

    Raises:
        PlaitError: scores, predictions, timings or bundles are missing or don't belong together.
    """
    if not services:
        return []
    out = stopped(root / GATES, experiment.candidates)
    left = experiment.without(out)
    plans = [plan for name in services for plan in left.services[name].plans.values()]
    candidates = dict.fromkeys(name for plan in plans for name in plan)
    scores = {name: _scores(root, name) for name in candidates}
    details = {name: _details(root, name) for name in candidates}
    seeds = [name for own in candidates for name in siblings(left, own).values()]
    rows = {name: _row_results(experiment, root, name) for name in dict.fromkeys(seeds)}
    evidence = Evidence(details, _checks(root))
    verdicts = [judge(experiment, name, scores, rows, evidence, out) for name in services]
    common = {"stage": stage, "experiment": experiment.name, **stamp(root)}
    outputs = Outputs(scores, details, rows)
    return [_finalist(experiment, each, outputs, root, common) for each in verdicts]


def _finalist(
    experiment: Experiment,
    verdict: Verdict,
    outputs: Outputs,
    root: Path,
    common: Mapping[str, Any],
) -> Finalist:
    draft = Record(
        service=verdict.service,
        outcome="refused",
        reason=verdict.sentence,
        gates=tuple(gate.as_json() for gates in verdict.gates.values() for gate in gates),
        rejected=verdict.rejected,
        **common,
    )
    if verdict.winner is None:
        return Finalist(verdict, draft, None)
    tasks = {
        task: answered_by(experiment, verdict.candidates, task)
        for task in experiment.services[verdict.service].tasks
    }
    machine = tuple(_machine(experiment, verdict, root))
    gates = (*verdict.gates[verdict.winner], *machine)
    details = {name: outputs.details[name] for name in tasks.values()}
    draft = replace(
        draft,
        plan=verdict.winner,
        tasks=tasks,
        bundles={name: _measured(root, name, found) for name, found in sorted(details.items())},
        scores={task: dict(outputs.scores[name][task]) for task, name in tasks.items()},
        heldout={task: details[name]["heldout"][task] for task, name in tasks.items()},
        measured={task: shown(details[name]["tasks"][task]) for task, name in tasks.items()},
        gates=tuple(gate.as_json() for gate in gates),
    )
    return Finalist(verdict, draft, _contender(experiment, draft, outputs.rows), machine)


def _contender(experiment: Experiment, draft: Record, rows: ByTask) -> Contender:
    return Contender(
        draft.plan or "",
        tuple(draft.bundles),
        {},
        {task: experiment.tasks[task].headline() for task in draft.tasks},
        {task: rows[name][task] for task, name in draft.tasks.items()},
    )


def _machine(experiment: Experiment, verdict: Verdict, root: Path) -> Iterator[Gate]:
    timings, names = root / "timings", verdict.candidates
    return of_machine(
        experiment.services[verdict.service].gates,
        verdict.winner or "",
        names,
        lambda: _output(timings / "requests" / f"{verdict.service}.json", ", ".join(names)),
        lambda name: _output(timings / "measured" / f"{name}.json", name),
    )


def answers(experiment: Experiment, root: Path, name: str, task: str) -> list[Mapping[str, Any]]:
    """A candidate's answers to the held-out rows of a task, as the registry keeps them."""
    path = root / "predictions" / name / f"{experiment.tasks[task].dataset}.jsonl"
    return list(kept_answers(read_jsonl(_there(path, name)), task))


def _checks(root: Path) -> Any:
    path = root / "validation" / "report.json"
    if not path.is_file():
        raise PlaitError(f"{path}: no such file, so the data can't be judged. Run `plait run`.")
    return read_json(path)["results"]


def _scores(root: Path, candidate: str) -> Any:
    return _output(root / "scores" / f"{candidate}.json", candidate)


def _details(root: Path, candidate: str) -> Any:
    return _output(root / "predictions" / candidate / "details.json", candidate)


def _row_results(experiment: Experiment, root: Path, candidate: str) -> dict[str, RowResults]:
    """A candidate's answers row by row, by task."""
    folder = root / "predictions" / candidate
    tasks = {name: experiment.tasks[name] for name in experiment.candidates[candidate].tasks}
    lines = {
        dataset: list(read_jsonl(_there(folder / f"{dataset}.jsonl", candidate)))
        for dataset in {task.dataset for task in tasks.values()}
    }
    return {name: row_results(lines[task.dataset], name) for name, task in tasks.items()}


def _output(path: Path, candidate: str) -> Any:
    return read_json(_there(path, candidate))


def _there(path: Path, candidate: str) -> Path:
    if not path.is_file():
        raise PlaitError(
            f"{path}: no such file, so candidate {candidate!r} can't be judged. Run `plait run`."
        )
    return path


def _measured(root: Path, candidate: str, details: Mapping[str, Any]) -> str:
    """The digest of a candidate's bundle, which must be the one that was benchmarked."""
    folder = root / "models" / candidate
    if not folder.is_dir():
        raise PlaitError(f"{folder}: no such bundle, so it can't be promoted. Run `plait run`.")
    digest = bundle.digest(folder)
    if digest != details["bundle"]:
        raise PlaitError(
            f"{folder}: found bundle {digest}, but scores/{candidate}.json was measured on "
            f"{details['bundle']}. Run `plait registry verify --mend`, which brings the bundle "
            "back or names the stage to run, then `plait promote`."
        )
    return digest
