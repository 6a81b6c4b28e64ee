"""How the rows of a file are written down, where its bytes and its name don't say."""

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

_NO_TEXT = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"}


def _encoding(name: str) -> str:
    """The codec's name; latin-1 is cp1252, as browsers read it: bytes 80–9F are letters."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"{name!r} is no encoding; for example utf-8, cp1252, utf-16") from error
    if found.name in _NO_TEXT or not found._is_text_encoding:
        raise ValueError(f"{name!r} is no encoding of text files; for example utf-8, cp1252")
    return "cp1252" if found.name == "iso8859-1" else found.name


def _delimiter(mark: str) -> str:
    if len(mark.removesuffix(" ") or mark) != 1 or mark in '"\r\n':
        raise ValueError(f"{mark!r} is no delimiter; expected one character, or one and a blank")
    return mark


class Layout(BaseModel):
    """Settings of a reader of files.

    Attributes:
        encoding: of text files; by default UTF-8, or what the file's byte order mark says.
        delimiter: of CSV files, one character, by default `,` (`.tsv`: a tab); `", "` also takes
            a blank behind the comma.
        quoting: of CSV files; `none` keeps quotes as characters of the cell.
        header: whether the first line of a CSV file, or the first row of a sheet, names the
            columns; if not, `columns` does.
        sheet: name of the sheet of an Excel file; by default the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    delimiter: Annotated[str, AfterValidator(_delimiter)] | None = None
    quoting: Literal["double", "none"] = "double"
    header: bool = True
    columns: tuple[str, ...] = ()
    sheet: str | None = None

    @model_validator(mode="after")
    def _check_columns(self) -> "Layout":
        if self.header and self.columns:
            raise ValueError("`columns` needs `header: false`; with a header, it names the columns")
        if not self.header and not self.columns:
            raise ValueError("`header: false` needs `columns`, the name of each column")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("`columns` has a name twice; expected a name of its own for each")
        return self
