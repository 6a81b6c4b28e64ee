"""Texts that can be answered, and what is wrong with others."""

from plait.errors import PlaitError
from plait.segmentation import is_blank


def fault(text: str) -> str | None:
    """What a text has that can't be answered; None where it can be."""
    if is_blank(text):
        return "no visible character" if text else "an empty text"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"character {error.start} not in UTF-8"
    return None


def check_text(text: str, where: str) -> None:
    """Refuse a text that has nothing to answer; `where` stands in the error message.

    Raises:
        PlaitError: it has no visible character, or some that UTF-8 doesn't (lone surrogates).
    """
    if found := fault(text):
        raise PlaitError(f"{where}: found {found}, expected words. Correct it or leave it out.")
