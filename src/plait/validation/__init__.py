"""Validation: prepared data and the tasks that ask it in; judged results and a page out.

tasks → checks (rules on tables) → great-expectations → results, judged → report.json, index.html
"""
