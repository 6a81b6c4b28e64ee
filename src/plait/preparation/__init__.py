"""Preparation: pinned sources in; canonical rows, each candidate's rows and held-out rows out.

fetching (bytes) → preparing (rows). `own_file` does the same for a user's file, before any set-up.
"""
