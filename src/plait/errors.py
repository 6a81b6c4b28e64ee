"""The one exception that a user is meant to read."""

MISTAKE = "PLAIT_MISTAKE"
"""Environment variable of a process under a launcher, whose own exit status hides the process's:
the file where it leaves a mistake for the one who started the launcher."""


class PlaitError(Exception):
    """A mistake in data, settings or surroundings that the user can mend.

    The message names the file, row, field or setting, what was found, what was expected and the
    remedy. The command line prints it without a traceback and exits with status 2.
    """


def did_you_mean(found: str, known: list[str]) -> str:
    """`; did you mean 'x'?` for the closest known name, or the list of known names."""
    import difflib

    close = difflib.get_close_matches(found, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(sorted(known)) or 'none'}"
