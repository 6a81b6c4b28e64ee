"""The labels of a row, where several may apply or none, from the cells of a table."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from plait.datasets.table_files import parse_json_cell
from plait.errors import PlaitError
from plait.settings import Settings

_ONE_HOT: Mapping[str, bool] = {
    **dict.fromkeys(("1", "1.0", "true"), True),
    **dict.fromkeys(("0", "0.0", "false"), False),
}


class LabelSet(Settings):
    """Where a row's labels stand: in one cell, or in a column a label.

    Attributes:
        column: its cell holds a JSON list of labels or, with `separator`, labels between it.
        columns: one a label, named like it; a cell holds 1 or true where the label applies, else 0
            or false.
        separator: stands between the labels of a cell. Blanks around labels don't count.
        empty: what an empty cell means: that the row is not labelled, or that no label applies.
            With `columns` it is about rows where all cells are empty.
    """

    column: Annotated[str, Field(min_length=1)] | None = None
    columns: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    separator: Annotated[str, Field(min_length=1)] | None = None
    empty: Literal["not labelled", "no label"] = "not labelled"

    @model_validator(mode="after")
    def _check(self) -> "LabelSet":
        if (self.column is None) == (self.columns is None):
            raise ValueError("expected either `column` or `columns`")
        if self.columns and self.separator:
            raise ValueError("`separator` is about the cell of `column`; found `columns`")
        if self.columns and len(set(self.columns)) < len(self.columns):
            raise ValueError("`columns` names a column twice")
        return self

    def uses(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns or (str(self.column),)

    def read(self, value: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
        """The labels that apply to a row, sorted; None if it is not labelled.

        Raises:
            PlaitError: a column is missing, or a cell holds something else; names row and column.
        """
        for name in self.uses():
            if name not in value:
                raise PlaitError(
                    f"{where}: column {name!r}: columns are {', '.join(value)}, expected "
                    f"{'0 or 1' if self.columns else 'labels'}."
                )
        if all(value[name] in (None, "") for name in self.uses()):
            return () if self.empty == "no label" else None
        found = self._marked(value, where) if self.columns else self._listed(value, where)
        return tuple(sorted(found))

    def _marked(self, value: Mapping[str, Any], where: str) -> list[str]:
        return [name for name in self.uses() if _applies(value[name], f"{where}: column {name!r}")]

    def _listed(self, value: Mapping[str, Any], where: str) -> Sequence[str]:
        name, cell = str(self.column), value[str(self.column)]
        where = f"{where}: column {name!r}"
        if self.separator and isinstance(cell, str):
            found: Any = [part.strip() for part in cell.split(self.separator)]
        else:
            found = _json_list(cell, where, self.separator is None)
        for index, label in enumerate(found):
            if not label.strip():
                raise PlaitError(
                    f"{where}: found {cell!r}, label {index + 1} of which is empty; expected names "
                    "only. Remove it."
                )
            try:
                label.encode()
            except UnicodeEncodeError as error:
                raise PlaitError(
                    f"{where}: label {index + 1} holds half of a surrogate pair, expected whole "
                    "Unicode characters. Write the file again as UTF-8."
                ) from error
            if label in found[:index]:
                raise PlaitError(f"{where}: found {label!r} twice in {cell!r}. Name it once.")
        return list(found)


def is_mark(cell: Any) -> bool:
    """Whether a cell says that a label applies, or that it does not."""
    return isinstance(cell, str | int | float) and str(cell).strip().lower() in _ONE_HOT


def _applies(cell: Any, where: str) -> bool:
    if not is_mark(cell):
        raise PlaitError(
            f"{where}: found {cell!r}, expected 1 where the label applies and 0 where it doesn't."
        )
    return _ONE_HOT[str(cell).strip().lower()]


def _json_list(cell: Any, where: str, may_be_separated: bool) -> list[str]:
    try:
        found = parse_json_cell(cell)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        return found
    remedy = " If a sign stands between labels, name it: `separator`." if may_be_separated else ""
    raise PlaitError(f"{where}: found {cell!r}, expected a JSON list of labels.{remedy}")
