"""The commands of `plait --help`. Heavy imports are inside the functions."""
