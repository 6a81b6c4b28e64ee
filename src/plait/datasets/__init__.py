"""Datasets: raw files in, canonical rows out. One reader a module, one line in `registry` each."""
