"""Batch prediction: a file of texts in; the same file with a champion's answers as columns out."""
