"""Pixels in the middle of four."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["mean_of_four"]


@kernel
def mean_of_four(plane, y0, y1, out):
    """Write some rows of the means of all 2 x 2 pixels.

    Parameters
    ----------
    plane : (H, W) float32
    out : (H - 1, W - 1) float32
    """
    quarter = np.float32(0.25)
    for y in range(y0, y1):
        above, below, row = plane[y], plane[y + 1], out[y]
        for x in range(row.size):
            row[x] = ((above[x] + below[x]) + (above[x + 1] + below[x + 1])) * quarter
