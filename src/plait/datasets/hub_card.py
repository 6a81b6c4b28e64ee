"""README.md of a data set as the Hub has it: the names of classes that stand as numbers in rows."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from plait import strict_yaml
from plait.errors import PlaitError

CARD = "README.md"
ABOUT = frozenset((CARD, "dataset_infos.json"))
"""Files of such a folder that hold no rows."""
Classes = Mapping[str, Sequence[str]]
"""Column → the names of its classes, in the order of their numbers."""
_MARK = "---"
_NOTHING = -1


def without_about(files: Mapping[str, Path]) -> dict[str, Path]:
    """Name below a folder → file, without those about the folder that stand at its top."""
    return {name: path for name, path in files.items() if name not in ABOUT}


def card_classes(card: Path, shown: Path) -> Classes:
    """The classes that the features in the front matter name; empty without such.

    Raises:
        PlaitError: the front matter is not YAML, or its configurations name classes differently.
    """
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    first, _, rest = text.partition("\n")
    if first.strip() != _MARK:
        return {}
    try:
        found = strict_yaml.parse(rest.partition(f"\n{_MARK}")[0])
    except YAMLError as error:
        said = " ".join(str(error).split())
        raise PlaitError(
            f"{shown}: its front matter is not YAML ({said}). Correct it, or remove the file."
        ) from error
    infos = found.get("dataset_info") if isinstance(found, dict) else None
    classes: dict[str, tuple[str, ...]] = {}
    for info in infos if isinstance(infos, list) else [infos]:
        for name, names in _of_features(info):
            if classes.setdefault(name, names) != names:
                raise PlaitError(
                    f"{shown}: found {list(classes[name])} and {list(names)} as classes of "
                    f"{name!r}, expected one list: its configurations differ. Put the files of one "
                    "into a folder of their own."
                )
    return classes


def _of_features(info: Any) -> Iterable[tuple[str, tuple[str, ...]]]:
    features = info.get("features") if isinstance(info, dict) else None
    for feature in features if isinstance(features, list) else ():
        if isinstance(feature, dict) and (names := _names(feature)):
            yield str(feature.get("name")), names


def _names(feature: Any) -> tuple[str, ...]:
    """The names of a feature's classes, or of those in its lists."""
    if not isinstance(feature, dict):
        return ()
    if isinstance(found := feature.get("class_label"), dict):
        names = found.get("names")
        if isinstance(names, dict):
            names = [names[key] for key in sorted(names, key=int)]
        return tuple(map(str, names)) if isinstance(names, list) else ()
    inner = (_names(feature.get(key)) for key in ("dtype", "sequence", "list"))
    return next(filter(None, inner), ())


def name_classes(row: dict[str, Any], classes: Classes, where: str) -> None:
    """Replace numbers by the names of their classes; -1 (no class) is null.

    Raises:
        PlaitError: a number has no name; names file, row and column.
    """
    for column in classes.keys() & row.keys():
        row[column] = _named(row[column], classes[column], f"{where}: column {column!r}")


def _named(value: Any, names: Sequence[str], where: str) -> Any:
    if isinstance(value, list):
        return [_named(each, names, where) for each in value]
    number = int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int):
        return value
    if number == _NOTHING:
        return None
    if not 0 <= number < len(names):
        raise PlaitError(
            f"{where}: found {number}, expected 0 to {len(names) - 1}: {CARD} names "
            f"{len(names)} classes. Correct the row or {CARD}."
        )
    return names[number]
