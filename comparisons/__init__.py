"""Measurements: every method under two stated protocols, beside the numbers others print."""
