"""Exporting: a bundle in; out comes a folder that other libraries load, with the same answers."""
