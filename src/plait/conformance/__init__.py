"""Checks of a backbone: does each approach learn, answer and load with it as it should?"""
