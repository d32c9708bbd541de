"""What a command says of a file."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Report"]


class Report(NamedTuple):
    """What was done to a file, whether next to nothing, and what was converted or left out."""

    text: str
    little: bool
    notes: list[str]
