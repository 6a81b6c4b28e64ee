"""What a person sees in a terminal: a command run in one, and the screen that it leaves."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

CODE = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


def in_terminal(
    command: list[str], folder: Path, env: dict[str, str], columns: int = 100
) -> tuple[int, str]:
    """Run a command in a terminal; its exit status and all that it wrote there."""
    own, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**env, "TERM": "xterm-256color"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    written = b""
    while True:
        try:
            piece = os.read(own, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(own)
    return process.wait(), written.decode()


def screen(written: str) -> list[str]:
    """The lines that are left once all cursor movements have been followed."""
    lines, row, column = [""], 0, 0
    for found in CODE.finditer(written):
        text, (argument, kind) = found[0], found.groups()
        if text == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif text == "\r":
            column = 0
        elif kind == "A":
            row = max(0, row - int(argument or 1))
        elif kind == "K":
            lines[row] = "" if argument == "2" else lines[row][:column]
        elif kind is None:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + text + line[column + len(text) :]
            column += len(text)
    return [line.rstrip() for line in lines]
