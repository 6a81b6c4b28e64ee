"""Names of columns: what a file has, what the settings ask for, and what was probably meant."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from plait.datasets.formats.opening import RawFile
from plait.errors import PlaitError

_DELIMITERS = ";\t|,"
_NAMED = 20


def check_names(file: RawFile, where: str, names: Sequence[str], remedy: str = "") -> None:
    """Check that all wanted columns are there, and none twice.

    Args:
        where: the file and the line with the names.

    Raises:
        PlaitError: one is missing or occurs twice; quotes the names found.
    """
    named = [name for name in names if name.strip()]
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        raise PlaitError(f"{where}: column {repeated[0]!r} occurs twice. Rename one of them.")
    for name in file.wanted:
        if name not in names and name.split(".")[0] not in names:
            hint = meant(name, names)
            raise PlaitError(
                f"{where}: column {name!r}: columns are {quoted(names)}. {hint or remedy}".rstrip()
            )


def quoted(names: Iterable[str]) -> str:
    """The names in quotes, so that blanks in them are seen; the first twenty."""
    shown = list(map(repr, names))
    more = [f"{len(shown) - _NAMED} more"] if len(shown) > _NAMED else []
    return ", ".join([*shown[:_NAMED], *more])


def meant(name: str, names: Iterable[str]) -> str:
    """What was probably meant by a column that is not there; empty if nothing comes close."""
    found = list(names)
    if len(found) == 1:
        for mark in _DELIMITERS:
            if mark in found[0] and name in map(str.strip, found[0].split(mark)):
                return f"The delimiter looks like {mark!r}: set `delimiter: {_yaml(mark)}`."
    alike = [each for each in found if each.strip().casefold() == name.strip().casefold()]
    alike += get_close_matches(name, found, 1, 0.8)
    return f"Did you mean {alike[0]!r}?" if alike else ""


def _yaml(mark: str) -> str:
    return '"\\t"' if mark == "\t" else f'"{mark}"'
