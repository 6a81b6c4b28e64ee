"""Leakage: texts that stand twice, equal or nearly so, within a split, across splits, across sets.

text → words → hashed 2-shingles → MinHash → candidate pairs → exact Jaccard → clusters, leaks
"""
