"""Ends the processes of a run when the process that started them has ended, even by a kill.

Then it reports the run as crashed, if it was killed.

Run as `python -m plait.running.watchdog MARK`; its input is a pipe that closes with its parent.
"""

import os
import sys
from pathlib import Path

from plait.running.lost_runs import report_if_recorded
from plait.running.processes import end

if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
    os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
    report_if_recorded(Path(sys.argv[1].split("|")[0]), sys.argv[1])
