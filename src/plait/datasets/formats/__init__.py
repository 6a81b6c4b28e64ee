"""Formats of files: each module turns the bytes of a file format into numbered rows of columns."""
