"""Report: scores, answers, timings and data checks in; one page, one text, one file of records out.

results (what was measured, by service and plan) → tables, pictures → page
"""
