"""Rules about texts that two splits share, whose quarantine drops the earlier split's copies."""

LEAK_RULES = frozenset({"text_in_train", "near_in_train", "text_in_dev", "near_in_dev"})
