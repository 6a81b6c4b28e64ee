"""Running: DVC's graph in; its stages run side by side, watched, and ended together, out.

graph (what there is) → ready (what may run now) → processes (run it) → events → terminal.
"""
