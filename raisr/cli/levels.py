"""Levels of noise as users write them: 25, 10%, or one for each channel; and as they read them."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["NoiseLevels", "in_percent", "in_words"]

_FOUR_DIGITS = 9999.5  # the most that rounds to them


class NoiseLevels(NamedTuple):
    """Standard deviations of noise: in a file's values, or as shares of white."""

    parts: tuple[tuple[float, bool], ...]

    @classmethod
    def parse(cls, text: str) -> NoiseLevels:
        """Read "25", "10%" or "5,5,25"."""
        parts = []
        for item in text.split(","):
            relative = item.endswith("%")
            value = float(item.removesuffix("%")) / (100 if relative else 1)
            if not 0 <= value < math.inf:
                raise ValueError(f"a noise level is not negative and finite, got {item}")
            parts.append((value, relative))
        return cls(tuple(parts))

    def of(self, white: float) -> tuple[float, ...]:
        """Levels in the values of a file whose white is `white`."""
        return tuple(value * white if relative else value for value, relative in self.parts)


def in_words(level: float) -> str:
    """Return a level, or another value of a file, in four digits; as a whole number if longer."""
    return f"{level:.4g}" if abs(level) < _FOUR_DIGITS else f"{level:.0f}"


def in_percent(share: float) -> str:
    """Return a share of white in three digits."""
    return f"{100 * share:.3g}%"
