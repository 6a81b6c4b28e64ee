"""Read params.yaml into a checked `Experiment`; one error reports every mistake with its path."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plait import strict_yaml
from plait.datasets.base import Reader
from plait.datasets.registry import READERS
from plait.errors import PlaitError
from plait.experiment.contradictions import References, contradictions, ignored_by_dvc
from plait.experiment.messages import Loc, known_settings, readable
from plait.experiment.schema import Experiment
from plait.settings import Training

SECTIONS = (
    "datasets",
    "tasks",
    "backbones",
    "training",
    "validation",
    "candidates",
    "services",
)


def load(path: Path = Path("params.yaml"), name: str | None = None) -> Experiment:
    """Read and check an experiment.

    Args:
        name: the name that it must have.

    Raises:
        PlaitError: the file is missing, is not YAML, or has mistakes (all of them listed).
    """
    if not path.exists():
        raise PlaitError(f"{path}: no such file. Write one with `plait configure default`.")
    return check(strict_yaml.read(path), str(path), name)


def check(value: Any, origin: str, name: str | None = None) -> Experiment:
    """Check a parsed params.yaml; `origin` names it in the error message.

    Args:
        name: the name that it must have.

    Raises:
        PlaitError: it has mistakes; each is named with its path, all in one message.
    """
    if not isinstance(value, Mapping):
        found = "nothing" if value is None else f"a {type(value).__name__}"
        raise PlaitError(
            f"{origin}: found {found}, expected the sections {', '.join(SECTIONS)}. "
            "Write an example with `plait configure default`."
        )
    mistakes, wrong = _schema_mistakes(value)
    experiment = Experiment.model_validate(_without(value, wrong))
    mistakes += contradictions(experiment, References.of(value))
    mistakes += ignored_by_dvc(value)
    if name is not None and experiment.name != name and ("name",) not in wrong:
        found = repr(experiment.name) if "name" in value else "none"
        mistakes.append(
            f"name: found {found}, expected {name!r}, as the file is called: champions belong to "
            f"an experiment by its name. Write `name: {name}`, or rename the file"
        )
    if mistakes:
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        raise PlaitError(f"{origin}: {len(mistakes)} mistake(s)\n{lines}")
    return experiment


def _schema_mistakes(value: Mapping[Any, Any]) -> tuple[list[str], list[Loc]]:
    """The mistakes of single settings: their messages and their locations."""
    try:
        Experiment.model_validate(value)
    except ValidationError as error:
        details = list(_own(error.errors(include_url=False)))
        lines = [readable(detail, _known(value, detail)) for detail in details]
        return lines, [detail["loc"] for detail in details]
    return [], []


def _own(details: Sequence[Any]) -> Iterator[Any]:
    """The details without lists that are called too short only because their items are wrong."""
    for detail in details:
        loc, short = detail["loc"], detail["type"] == "too_short"
        if not (short and any(d["loc"] != loc and d["loc"][: len(loc)] == loc for d in details)):
            yield detail


def _known(value: Mapping[Any, Any], detail: Mapping[str, Any]) -> list[str]:
    """The valid settings at the location of an unknown one."""
    loc = detail["loc"] if detail["type"] == "extra_forbidden" else ()
    match loc:
        case ("datasets", name, *rest):
            return known_settings(READERS.get(value["datasets"][name].get("reader"), Reader), rest)
        case ("candidates", _, "training", *rest):
            return known_settings(Training, rest)
        case _:
            return known_settings(Experiment, list(loc))


def _without(value: Mapping[Any, Any], wrong: list[Loc]) -> dict[Any, Any]:
    """The experiment without its wrong entries, so that the rest can be checked."""
    broken = {loc[:2] for loc in wrong}
    rest: dict[Any, Any] = {"seed": 0, **{section: {} for section in SECTIONS}}
    for section, entries in value.items():
        if section in SECTIONS and isinstance(entries, Mapping):
            rest[section] = {
                name: entry
                for name, entry in entries.items()
                if isinstance(name, str) and (section, name) not in broken
            }
        elif section not in {loc[0] for loc in wrong}:
            rest[section] = entries
    return rest
