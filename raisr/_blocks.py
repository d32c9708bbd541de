"""Margins, and threads over blocks of rows."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["aligned_zeros", "over_blocks", "pad"]

_OVERREAD = 32
_ROWS = 64


def aligned_zeros(shape):
    """Return zeros, float32, that start at a multiple of 64 bytes: a cache line, a vector."""
    count = int(np.prod(shape))
    buffer = np.zeros(count + 16, np.float32)
    start = -buffer.ctypes.data % 64 // 4
    return buffer[start : start + count].reshape(shape)


def pad(planes, margin):
    """Planes with a reflected margin, and room behind each row for whole-vector reads.

    Parameters
    ----------
    planes : sequence of (H, W) float32
    margin : int
        Rows and columns added on each side, mirrored about the outermost pixel (`numpy.pad`'s
        "reflect"; a single row or column is repeated).

    Returns
    -------
    padded : (P, H + 2 * margin, W + 2 * margin + 32) float32
    """
    height, width = planes[0].shape
    rows = np.pad(np.arange(height), margin, mode="reflect")
    columns = np.pad(np.arange(width), margin, mode="reflect")
    shape = (len(planes), height + 2 * margin, width + 2 * margin + _OVERREAD)
    padded = np.empty(shape, np.float32)
    right = slice(margin + width, 2 * margin + width)
    for plane, out in zip(planes, padded, strict=True):
        inner = out[margin : margin + height]
        inner[:, margin : margin + width] = plane
        inner[:, :margin] = plane[:, columns[:margin]]
        inner[:, right] = plane[:, columns[margin + width :]]
        inner[:, 2 * margin + width :] = 0
        out[:margin] = inner[rows[:margin]]
        out[margin + height :] = inner[rows[margin + height :]]
    return padded


def over_blocks(function, length, num_threads, block=_ROWS):
    """Call ``function(start, stop)`` for blocks of ``range(length)``, in threads.

    Blocks do not depend on the number of threads, so neither do results.
    """
    bounds = [(start, min(start + block, length)) for start in range(0, length, block)]
    if num_threads == 1 or len(bounds) == 1:
        for start, stop in bounds:
            function(start, stop)
        return
    with ThreadPoolExecutor(num_threads) as pool:
        for _ in pool.map(lambda bound: function(*bound), bounds):
            pass
