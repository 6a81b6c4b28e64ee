"""Exports of annotation tools → the records of a table, one module per tool.

`reader` is the dataset; `formats` finds the tool of a file from its content; `tokens` joins tokens
to a text and tags to spans.
"""
