"""Training: encoded rows and a module in; the module with the weights that were best on dev out.

mixture (which rows make a step) → batches → loop → checkpoints. `methods` says what is trained.
"""
