"""Ends the processes of a run when the process that started them has ended, even by a kill.

Run as `python -m plait.running.watchdog MARK`; its input is a pipe that closes with its parent.
"""

import sys

from plait.running.processes import end

if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
