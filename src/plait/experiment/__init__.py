"""Experiment: reads params.yaml into a typed `Experiment`, or reports all its mistakes at once.

`schema` has the settings and their types, `contradictions` the checks across sections, `loading`
applies both. `switching` replaces params.yaml with another experiment.
"""
