"""Spellings of one label: what `billing`, `Billing ` and `BILLING` with a soft hyphen share."""

import json
import unicodedata

import regex

_INVISIBLE = regex.compile(r"[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+")
_BLANKS = regex.compile(r"[\s\p{Z}]+")
_NUMBER = regex.compile(r"([+-]?)0*(\d+)(?:\.(\d*?)0*)?")


def normalised(label: str) -> str:
    """The label in Unicode's form NFKC and lower case, without invisible characters and blanks
    around it; one blank between words; a number without superfluous zeros (`0.0` → `0`).

    Two labels are *alike* if they are equal in this form; it is blank for a blank label.
    """
    seen = _INVISIBLE.sub("", _BLANKS.sub(" ", label))
    composed = unicodedata.normalize("NFKC", seen).casefold()
    return _number(_BLANKS.sub(" ", unicodedata.normalize("NFKC", composed)).strip())


def _number(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    sign, whole, part = found.groups(default="")
    value = f"{whole}.{part}" if part else whole
    return value if sign != "-" or value == "0" else f"-{value}"


def quoted(label: str) -> str:
    """The label as YAML writes it, with escapes for what can't be seen."""
    composed = unicodedata.normalize("NFC", label) == label
    written = json.dumps(label, ensure_ascii=False)
    return "".join(each if _is_seen(each, composed) else _escape(each) for each in written)


def _is_seen(character: str, composed: bool) -> bool:
    if character.isascii() or not composed:
        return character.isascii() and character.isprintable()
    return character.isprintable() and not _INVISIBLE.match(character)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
