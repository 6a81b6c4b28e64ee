"""gates/CANDIDATE.json in validation/: whether the data of a candidate may be trained on."""

from collections.abc import Collection, Mapping
from pathlib import Path

from plait.errors import PlaitError
from plait.files import read_json, write_json

GATES = Path("validation", "gates")
CandidateDatasets = Mapping[str, Collection[str]]
"""Candidate → the datasets of its tasks."""


def write_gates(folder: Path, candidates: CandidateDatasets, failed: Collection[str]) -> None:
    """Write `{"passed", "failed": [dataset, …]}` for each candidate.

    Constant for one that may be trained, so that training depends on the verdict alone.

    Args:
        failed: the datasets of which a critical check failed.
    """
    folder.mkdir()
    for name, used in candidates.items():
        found = sorted(set(used).intersection(failed))
        write_json(folder / f"{name}.json", {"passed": not found, "failed": found})


def check_gate(name: str) -> None:
    """Read the gate of a candidate, if there is one: DVC makes sure that there is.

    Raises:
        PlaitError: a critical check of one of its datasets failed.
    """
    path = GATES / f"{name}.json"
    if path.is_file() and not (found := read_json(path))["passed"]:
        raise PlaitError(
            f"candidate {name!r} is not trained: critical checks of "
            f"{' and '.join(found['failed'])} failed. See {GATES.with_name('index.html')}; correct "
            "the data, or set the policy of the rule in params.yaml."
        )
