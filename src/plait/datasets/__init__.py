"""Datasets: one reader per module turns raw files into canonical rows; `registry` lists them."""
