"""Benchmark: a trained model and held-out rows in; its answers, scores, behaviour and speed out."""
