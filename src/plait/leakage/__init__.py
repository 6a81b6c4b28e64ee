"""Leakage: equal and similar texts within a split, across splits and across datasets.

text → words → hashed 2-shingles → MinHash → candidate pairs → exact Jaccard → clusters, leaks
"""
