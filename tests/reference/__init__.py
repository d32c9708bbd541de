"""Slow, obvious versions of the algorithms, for a reader to check by eye."""
