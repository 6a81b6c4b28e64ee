"""Benchmark: a trained model and held-out rows in; predictions, scores, behaviour and speed out."""
