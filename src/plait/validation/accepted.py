"""The last accepted data version: accepted.json, which git keeps beside params.yaml."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from plait.errors import PlaitError
from plait.files import write_json
from plait.validation.drift import Profile

_PROFILES = TypeAdapter(dict[str, Profile])


def read_accepted(path: Path) -> Mapping[str, Profile]:
    """The accepted profile of each dataset; empty if the file does not exist.

    Raises:
        PlaitError: the file is malformed.
    """
    if not path.is_file():
        return {}
    try:
        return _PROFILES.validate_json(path.read_bytes())
    except ValidationError as error:
        raise PlaitError(
            f"{path}: found {error.error_count()} mistake(s), the first: "
            f"{error.errors()[0]['msg']}. Write it again: `plait validate --accept`."
        ) from error


def write_accepted(path: Path, profiles: Mapping[str, Profile]) -> None:
    """Replace the profiles of these datasets; those of other datasets stay."""
    accepted = {**read_accepted(path), **profiles}
    write_json(path, {name: profile.as_json() for name, profile in accepted.items()})
