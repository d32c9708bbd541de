"""Levels of noise as users write them: 25, 10%, or one for each channel."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["NoiseLevels"]


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
