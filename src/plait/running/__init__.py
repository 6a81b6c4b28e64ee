"""Running: reads DVC's graph and runs its stages side by side, watched and ended together.

graph (all stages) → ready (stages that may run now) → processes → events → terminal.
"""
