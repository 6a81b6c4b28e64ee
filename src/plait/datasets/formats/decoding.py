"""Text of files: encodings, byte order marks, and errors that say which encoding it looks like."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from plait.datasets.formats.opening import RawFile, open_bytes
from plait.errors import PlaitError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LIKELY = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "cp932"),
    *("euc_jp", "gb18030", "big5", "cp949"),
)
"""What files that are not UTF-8 are written in; others would win by chance in short texts."""
_OLD = ("mac_roman", "cp437", "cp850")
"""Of the Macintosh and DOS: bytes below C0 are their accented letters, others their marks."""
_BLOCK = 1 << 16
_SAMPLE = 20_000
_SHOWN = 60


@contextmanager
def open_text(
    file: RawFile, newline: str | None = "", errors: str = "strict"
) -> Iterator[io.TextIOWrapper]:
    """The file's text without byte order marks; `newline`, `errors` as for the built-in `open`.

    Raises:
        PlaitError: bytes that are not in the encoding; names line, offset and a likely encoding.
            Also while the text is read.
    """
    with open_bytes(file) as stream:
        buffered = io.BufferedReader(cast(Any, stream), _BLOCK)
        encoding = _encoding(file, buffered)
        try:
            yield io.TextIOWrapper(buffered, encoding, errors, newline)
        except UnicodeDecodeError as error:
            raise _undecodable(file, encoding) from error


def _encoding(file: RawFile, stream: "io.BufferedReader[Any]") -> str:
    """What the mark says; else the setting; else UTF-8. Marks of UTF-8 are skipped."""
    start = stream.peek(4)[:4]
    if start.startswith(codecs.BOM_UTF8):
        while stream.peek(3).startswith(codecs.BOM_UTF8):  # some programs write it twice
            stream.read(len(codecs.BOM_UTF8))
        return "utf-8"
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if file.layout.encoding:
        return file.layout.encoding
    if unmarked := _unmarked(start):
        raise PlaitError(
            f"{file.shown}: every other byte is 0: it looks like UTF-16 without a byte order "
            f"mark. Set `encoding: {unmarked}`, or save the file as UTF-8."
        )
    return "utf-8"


def _unmarked(start: bytes) -> str | None:
    """The kind of UTF-16 that four bytes without a mark are."""
    nothing = [byte == 0 for byte in start]
    kinds = (([False, True], "utf-16-le"), ([True, False], "utf-16-be"))
    return next((name for pattern, name in kinds if nothing == pattern * 2), None)


def needed_encoding(file: RawFile) -> str | None:
    """The `encoding` to set for a file; None if UTF-8 or a byte order mark says how to read it.

    Also None for UTF-8 with a fault further on, which reading the file reports.
    """
    with open_bytes(file) as stream:
        start = stream.read(4)
    if start.startswith(tuple(mark for mark, _ in _MARKS)):
        return None
    if unmarked := _unmarked(start):
        return unmarked
    fault = next(_locate(file, "utf-8"), None)
    guess = likely(fault.around) if fault and not fault.others and not fault.cut_off else None
    return guess[0] if guess else None


@dataclass
class _Fault:
    """Where decoding fails: number of the line, offset of the byte, the bytes around it."""

    line: int
    offset: int
    byte: int
    reason: str
    around: bytes
    others: bool
    """Whether characters beyond ASCII stand before it: the encoding is right elsewhere."""

    @property
    def cut_off(self) -> bool:
        """Whether the file ends inside a character."""
        return "end of data" in self.reason or "truncated" in self.reason


def _undecodable(file: RawFile, encoding: str) -> PlaitError:
    fault = next(_locate(file, encoding))
    where = f"{file.shown}, line {fault.line}: byte 0x{fault.byte:02x} at offset {fault.offset}"
    named = {"utf-8": "UTF-8", "utf-16": "UTF-16"}.get(encoding, encoding)
    if fault.cut_off:
        remedy = "The file ends inside a character: it was cut off. Copy or export it again."
    elif fault.others:
        remedy = f"The file is {named} before that line: correct or remove the line."
    elif guess := likely(fault.around):
        name, reads = guess
        remedy = (
            f"It looks like {name}, in which the line reads {reads!r}. Set `encoding: {name}`, or "
            "save the file as UTF-8."
        )
    else:
        remedy = "Set `encoding:`, or save the file as UTF-8."
    return PlaitError(f"{where} is not {named}. {remedy}")


def _locate(file: RawFile, encoding: str) -> Iterator[_Fault]:
    """Decode block by block, up to the first byte that fails."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, offset, others, block = 1, 0, False, b"more"
    with open_bytes(file) as stream:
        while block:
            block = stream.read(_BLOCK)
            kept = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "ignore")
                yield _Fault(
                    line + _ends(before),
                    offset - kept + error.start,
                    error.object[error.start],
                    error.reason,
                    _around(error.object, error.start, stream),
                    others or not before.isascii(),
                )
                return
            line, offset = line + _ends(text), offset + len(block)
            others = others or not text.isascii()


def _ends(text: str) -> int:
    """Number of line ends."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _around(block: bytes, start: int, stream: IO[bytes]) -> bytes:
    """The bytes from the start of the faulty line on."""
    begin = max(block.rfind(b"\n", 0, start), block.rfind(b"\r", 0, start)) + 1
    return (block[begin:] + stream.read(_SAMPLE))[:_SAMPLE]


def likely(sample: bytes) -> tuple[str, str] | None:
    """The encoding that bytes look like, and how their first line reads in it."""
    from charset_normalizer import from_bytes

    # Lines of ASCII alone say nothing, and hide what others say.
    telling = b"\n".join(line for line in sample.splitlines() if not line.isascii())
    high = [byte for byte in telling if byte >= 0x80]
    old = _OLD if 2 * sum(byte < 0xC0 for byte in high) > len(high) else ()
    matches = from_bytes(telling, cp_isolation=[*_LIKELY, *old])
    if not matches:
        return None
    best = min(matches, key=lambda each: (each.chaos, -each.coherence, each.encoding != "cp1252"))
    name = best.encoding
    # The same text in the most usual encoding: cp1250 has the same bytes for ä, é and ß.
    if telling.decode("cp1252", "replace") == str(best):
        name = "cp1252"
    line = next(iter(telling.decode(name, "replace").splitlines()), "")
    return name, line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
