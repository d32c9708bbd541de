"""What an image file holds: pages of pixels, what their channels are, and what goes with them."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["ALPHA", "ASSOCIATED", "BAND", "Page", "Picture", "extra_channels", "with_extra"]

ALPHA, ASSOCIATED, BAND = "alpha", "associated alpha", "band"
_USUAL = {1: (), 2: (ALPHA,), 3: (), 4: (ALPHA,)}  # channels: what follows gray or RGB


class Page(NamedTuple):
    """One picture of a file, as `raisr.io.read_image` returns it."""

    pixels: np.ndarray
    metadata: dict[str, Any]

    @property
    def extra(self) -> tuple[str, ...]:
        """What each channel beyond gray or RGB is: "alpha", "associated alpha" or "band"."""
        return extra_channels(self.pixels, self.metadata)


class Picture(NamedTuple):
    """All pages of a file, the suffix of its format, and what was converted or left out."""

    pages: list[Page]
    suffix: str
    notes: list[str]


def extra_channels(pixels: np.ndarray, metadata: dict[str, Any]) -> tuple[str, ...]:
    """Return what each channel beyond gray or RGB is, in order.

    Raises
    ------
    ValueError
        If gray or RGB would not be what is left.
    """
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    extra = metadata.get("extra", _USUAL.get(channels, (BAND,) * (channels - 1)))
    if channels - len(extra) not in (1, 3):
        raise ValueError(f"{channels} channels cannot be gray or RGB and {', '.join(extra)}")
    return tuple(extra)


def with_extra(pixels: np.ndarray, metadata: dict[str, Any], extra: tuple[str, ...]) -> Page:
    """Return a page whose metadata tells its extra channels where they are not the usual ones."""
    if extra_channels(pixels, {}) != extra:
        metadata = {**metadata, "extra": extra}
    return Page(pixels, metadata)
