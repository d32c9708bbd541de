"""Tests of the project; `reference` holds slow and obvious twins of the fast code."""
