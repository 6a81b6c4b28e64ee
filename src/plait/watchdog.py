"""Ends a run's processes when the process that started them is gone, however it ended.

Run as `python -m plait.watchdog MARK`, with a pipe as its input that closes with its parent.
"""

import sys

from plait.processes import end

if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
