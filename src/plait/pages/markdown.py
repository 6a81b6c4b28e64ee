"""Escapes labels, names and texts of rows, so that Markdown shows them as they are."""

import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
MEANT = re.compile(
    r"""
    [\\`*|~$]                       # code, emphasis, the end of a cell, formulas
    | (?<![^\W_])_ | _(?![^\W_])    # emphasis, too, unless within a word: top_group stays
    | <(?=[A-Za-z/!?])              # a tag or an address; "p < 0.001" stays
    | &(?=\#?\w+;)                  # an entity
    | \](?=[(\[:])                  # the text of a link; an interval stays
    | :(?=//) | (?<=www)\.          # a bare address
    | (?<!\S)\#                     # a heading, or its end
    | ^(?:[>=] | [-+](?![\d.]))     # a quotation, a list
    """,
    re.VERBOSE,
)
LISTED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def escape(text: str) -> str:
    r"""`text` on one line, with a backslash wherever GitHub's Markdown would see more than text.

    Nowhere else, so that it stays readable in a terminal.

    >>> escape("a|b *and* <img> at [84.1, 87.2]\nsnake_case")
    'a\\|b \\*and\\* \\<img> at [84.1, 87.2] snake_case'
    """
    line = CONTROL.sub(" ", text).strip()
    return LISTED.sub(r"\1\\\2", MEANT.sub(r"\\\g<0>", line))
