"""Approaches: how a backbone answers. A contract (base), a registry, a folder each."""
