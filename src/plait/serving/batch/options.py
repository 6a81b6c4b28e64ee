"""What decides the bytes of an output, beside its input and the plan that answers."""

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from plait.datasets.formats.layout import Layout
from plait.errors import PlaitError

OnBadRow = Literal["null", "skip", "error"]


@dataclass(frozen=True)
class Options:
    """What decides the bytes of an output, beside its input and the plan that answers.

    Attributes:
        text: the column with the text.
        prefix: begins the names of the columns of answers.
        top: labels of a classification.
        on_bad_row: what becomes of a row without a text: no answers and a reason (`null`), left
            out (`skip`), or nothing is answered at all (`error`).
        delimiter: of CSV; by default a comma, or what a `sep=` line says.
    """

    text: str = "text"
    prefix: str = ""
    top: int = 1
    on_bad_row: OnBadRow = "null"
    delimiter: str | None = None

    def layout(self) -> Layout:
        """How a CSV file is written.

        Raises:
            PlaitError: the delimiter is none.
        """
        try:
            return Layout(delimiter=self.delimiter)
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise PlaitError(f"--delimiter: {said}.") from error
