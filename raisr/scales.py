"""Planes at half and at double their size."""

import numpy as np
from numpy.typing import NDArray

from raisr.blocks import over_blocks

__all__ = ["doubled", "halved", "pyramid"]


def halved(plane: NDArray[np.float32], num_threads: int) -> NDArray[np.float32]:
    """Return means of 2 x 2 pixels; the last row and column count twice where sides are odd.

    Examples
    --------
    >>> halved(np.float32([[0, 4, 8]]), 1).tolist()
    [[2.0, 8.0]]
    """
    from raisr.kernels.scales import halve_rows

    height, width = plane.shape
    out = np.empty((-(-height // 2), -(-width // 2)), np.float32)
    over_blocks(lambda y0, y1: halve_rows(plane, out, y0, y1), out.shape, num_threads)
    return out


def doubled(
    plane: NDArray[np.float32], shape: tuple[int, int], num_threads: int
) -> NDArray[np.float32]:
    """Return a plane of another shape, of which `halved` gives one like `plane`.

    Between the centres of pixels, values are interpolated linearly; beyond, the border goes on.

    Examples
    --------
    >>> doubled(np.float32([[2, 8]]), (1, 3), 1).tolist()
    [[2.0, 3.5, 6.5]]
    """
    from raisr.kernels.scales import double_rows

    out = np.empty(shape, np.float32)
    over_blocks(lambda y0, y1: double_rows(plane, out, y0, y1), shape, num_threads)
    return out


def pyramid(
    planes: list[NDArray[np.float32]], scales: int, num_threads: int
) -> list[list[NDArray[np.float32]]]:
    """Return the planes, and what halving them makes of them: `scales` lists, finest first."""
    found = [planes]
    while len(found) < scales:
        found.append([halved(plane, num_threads) for plane in found[-1]])
    return found
