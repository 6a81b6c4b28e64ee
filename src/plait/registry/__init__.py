"""Registry: which plan serves each service at each stage, and the acts that led there.

location (where it lies) → records (one act each, sealed) → store (records, pointers and bundles).
"""
