"""Pretrained models of any architecture: which plait can drive, and how to do so rightly."""
