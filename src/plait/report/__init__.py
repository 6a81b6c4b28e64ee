"""Report: scores, predictions, timings and data checks → one page, one text, one file of records.

experiment + what was measured → results (plans side by side, verdicts) → tables, pictures → files
"""

from plait.report.page import write_report
from plait.report.results import Measured, Results, collect

__all__ = ["Measured", "Results", "collect", "write_report"]
