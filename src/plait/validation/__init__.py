"""Validation: reads prepared data and its tasks; writes the result of every check and a page.

tasks → checks (rules on tables) → great-expectations → results → report.json, index.html
"""
