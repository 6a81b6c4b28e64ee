"""Rows of a sheet of an Excel file; the sheet is read whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from plait.datasets.formats.columns import check_names
from plait.datasets.formats.opening import RawFile, Records, open_seekable
from plait.datasets.formats.saying import say
from plait.errors import PlaitError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


def excel_rows(file: RawFile) -> Records:
    """Number (as Excel shows it) and columns of each row, as strings; empty rows are skipped.

    Raises:
        PlaitError: the file is no Excel workbook or damaged, or has no such sheet.
    """
    with _faults(file), open_seekable(file) as stream:
        from python_calamine import CalamineWorkbook

        sheet = _sheet(file, CalamineWorkbook.from_filelike(stream))
        names: list[str] = list(file.layout.columns)
        for number, cells in enumerate(sheet.to_python(skip_empty_area=False), 1):
            written = [_written(cell) for cell in cells]
            if any(written):
                if names:
                    yield number, _record(file, number, names, written)
                else:
                    names = written
                    check_names(file, f"{file.shown}, row {number}", names)
        if not names:
            raise PlaitError(f"{file.shown}: sheet {sheet.name!r} is empty; expected a header row.")


def sheets(file: RawFile) -> dict[str, int]:
    """Name → height, in rows, of each sheet; 0 for an empty one.

    Raises:
        PlaitError: the file is no Excel workbook or damaged.
    """
    with _faults(file), open_seekable(file) as stream:
        from python_calamine import CalamineWorkbook

        workbook = CalamineWorkbook.from_filelike(stream)
        return {name: workbook.get_sheet_by_name(name).height for name in workbook.sheet_names}


@contextmanager
def _faults(file: RawFile) -> Iterator[None]:
    from python_calamine import CalamineError

    try:
        yield
    except (CalamineError, OSError) as error:
        raise PlaitError(
            f"{file.shown}: not a readable Excel workbook ({error}). Save it again as .xlsx."
        ) from error


def _sheet(file: RawFile, workbook: "CalamineWorkbook") -> "CalamineSheet":
    names, wanted = workbook.sheet_names, file.layout.sheet
    if wanted is not None:
        if wanted not in names:
            raise PlaitError(
                f"{file.shown}: has no sheet {wanted!r}; its sheets are "
                f"{', '.join(map(repr, names))}. Correct `sheet`."
            )
        return workbook.get_sheet_by_name(wanted)
    if len(names) > 1:
        say(
            f"{file.shown}: only the first of {len(names)} sheets, {names[0]!r}, is read; set "
            "`sheet` for another."
        )
    return workbook.get_sheet_by_index(0)


def _written(cell: Any) -> str:
    """A cell as Excel shows it in its plainest form: Excel stores whole numbers as floats."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _record(file: RawFile, number: int, names: list[str], cells: list[str]) -> dict[str, Any]:
    found = dict(zip(names, cells, strict=False))
    beyond = [cell for name, cell in zip(names, cells, strict=False) if not name.strip() and cell]
    beyond += [cell for cell in cells[len(names) :] if cell]
    if beyond:
        raise PlaitError(
            f"{file.shown}, row {number}: a cell holds {beyond[0][:60]!r}, but its column has no "
            "name. Name the column, or empty the cell."
        )
    return {name: found.get(name, "") for name in names if name.strip()}
