"""Geometric self-ensemble: the mean of what is made of an image turned and mirrored."""

from collections.abc import Callable
from numbers import Integral

import numpy as np

from hybrid.planes import Planes

SIZES = 1, 2, 4, 8
"""How many positions of an image may be looked at."""

_POSITIONS = (
    # upside down, mirrored, transposed: those first whose mean gains most
    (False, False, False),
    (True, True, True),
    (True, True, False),
    (False, False, True),
    (True, False, False),
    (False, True, False),
    (True, False, True),
    (False, True, True),
)


def check_size(size: int) -> None:
    """Refuse a number of positions that is none of `SIZES`."""
    if not isinstance(size, Integral) or size not in SIZES:
        raise ValueError(f"ensemble must be one of {', '.join(map(str, SIZES))}, got {size!r}")


def mean_of_positions(
    size: int, run: Callable[[Planes, Planes | None], Planes], planes: Planes, guides: Planes | None
) -> Planes:
    """Return the mean of what `run` makes of planes in several positions, turned back.

    Parameters
    ----------
    size : int
        How many positions, one of `SIZES`; 1 is what `run` makes of the planes as they are.
    run : callable
        Planes and guides -> planes, in an array of its own.
    planes : (channels, H, W) float32 array
    guides : (channels, H, W) float32 array or None
        Turned with the planes.

    References
    ----------
    Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image super resolution",
    CVPR 2016 (enhanced prediction); Lim et al., "EDSR", CVPR Workshops 2017 (self-ensemble).
    """
    total = run(planes, guides)
    for position in _POSITIONS[1:size]:
        seen = None if guides is None else _turned(guides, *position)
        total += _turned_back(run(_turned(planes, *position), seen), *position)
    total /= np.float32(size)
    return total


def _turned(planes, down, across, transposed):
    planes = planes[:, :: -1 if down else 1, :: -1 if across else 1]
    return np.ascontiguousarray(planes.swapaxes(1, 2) if transposed else planes)


def _turned_back(planes, down, across, transposed):
    planes = planes.swapaxes(1, 2) if transposed else planes
    return planes[:, :: -1 if down else 1, :: -1 if across else 1]
