"""Commands: what `plait --help` lists. Heavy imports stand inside the functions."""
