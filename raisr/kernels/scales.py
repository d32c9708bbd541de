"""Half and double the size of a plane, row by row: means of 2 x 2 pixels, and lines between them.

Borders are repeated, so that a side of odd length has a last pixel of its own at half the size.
"""

import numpy as np

from raisr.kernels import kernel

__all__ = ["double_rows", "halve_rows"]

_QUARTER = np.float32(0.25)
_NEAR, _FAR = np.float32(0.75), np.float32(0.25)


@kernel
def halve_rows(plane, out, y0, y1):
    """Write rows `y0` to `y1` of the plane at half its size: means of 2 x 2 pixels."""
    height, width = plane.shape
    for y in range(y0, y1):
        upper, lower = plane[2 * y], plane[min(2 * y + 1, height - 1)]
        row = out[y]
        for x in range(width // 2):
            left = upper[2 * x] + lower[2 * x]
            row[x] = (left + (upper[2 * x + 1] + lower[2 * x + 1])) * _QUARTER
        if width % 2:
            left = upper[width - 1] + lower[width - 1]
            row[width // 2] = (left + left) * _QUARTER


@kernel
def double_rows(plane, out, y0, y1):
    """Write rows `y0` to `y1` of the plane at double its size: three quarters of the nearest."""
    height, width = plane.shape
    line = np.empty(width, np.float32)
    for y in range(y0, y1):
        beside = min(max(y // 2 - 1 + 2 * (y % 2), 0), height - 1)
        near, far = plane[y // 2], plane[beside]
        for x in range(width):
            line[x] = _NEAR * near[x] + _FAR * far[x]
        row = out[y]
        last = width - 1
        row[0] = line[0]
        for x in range(1, row.size):
            other = min(x // 2 - 1 + 2 * (x % 2), last)
            row[x] = _NEAR * line[x // 2] + _FAR * line[other]
