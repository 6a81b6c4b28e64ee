"""Experiment: params.yaml in; a typed, checked `Experiment` out, or all its mistakes at once.

schema (what each setting may be) → contradictions (what does not fit together) →
loading. `switching` puts another experiment in the place of params.yaml.
"""
