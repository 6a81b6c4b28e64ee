"""Preparation: fetches pinned sources; writes canonical rows, candidates' inputs, held-out rows.

fetching (bytes) → preparing (rows). `own_file` does the same for one file of the user, without a
project.
"""
