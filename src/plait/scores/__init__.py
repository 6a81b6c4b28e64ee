"""Scores: gold labels and answers in; metrics with intervals, tables and comparisons out.

Nothing here knows a model or a file.
"""
