"""gates/CANDIDATE.json in validation/: whether the data of a candidate may be trained on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from plait.files import read_json, write_json

GATES = Path("validation", "gates")
CandidateDatasets = Mapping[str, Collection[str]]
"""Candidate → the datasets of its tasks."""


def write_gates(
    folder: Path, candidates: CandidateDatasets, failed: Mapping[str, Sequence[str]]
) -> None:
    """Write `{"passed", "failed": [{"dataset", "rule"}, …]}` for each candidate.

    Constant for one that may be trained, so that training depends on the verdict alone.

    Args:
        failed: dataset → the rules of its critical checks that failed.
    """
    folder.mkdir()
    for name, used in candidates.items():
        found = [
            {"dataset": dataset, "rule": rule}
            for dataset in sorted(set(used).intersection(failed))
            for rule in failed[dataset]
        ]
        write_json(folder / f"{name}.json", {"passed": not found, "failed": found})


def stopped(folder: Path, candidates: Iterable[str]) -> dict[str, str]:
    """The candidates that the gates in `folder` stop, and what stopped each, in words.

    A candidate without a gate is not stopped: DVC makes sure that there is one.
    """
    paths = {name: folder / f"{name}.json" for name in candidates}
    gates = {name: read_json(path) for name, path in paths.items() if path.is_file()}
    return {name: _reason(gate["failed"]) for name, gate in gates.items() if not gate["passed"]}


def _reason(failed: Iterable[Mapping[str, str]]) -> str:
    """`dataset a, rules x and y; dataset b, rule z`."""
    found = []
    for dataset, group in groupby(failed, key=lambda each: each["dataset"]):
        rules = [each["rule"] for each in group]
        found.append(f"dataset {dataset}, rule{'s' * (len(rules) > 1)} {' and '.join(rules)}")
    return f"stopped by validation: {'; '.join(found)}"
