"""Blocks of rows: threads over them, and their pixels with a reflected margin."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

__all__ = ["aligned_empty", "over_blocks", "tile"]

_OVERREAD = 32
_PIXELS = 1 << 17


def aligned_empty(shape):
    """Return an array, float32, that starts at a multiple of 64 bytes: a cache line, a vector."""
    count = int(np.prod(shape))
    buffer = np.empty(count + 16, np.float32)
    start = -buffer.ctypes.data % 64 // 4
    return buffer[start : start + count].reshape(shape)


@lru_cache(maxsize=64)
def _reflected(length, margin):
    """Return the pixels that lie at -margin, ..., length + margin - 1."""
    return np.pad(np.arange(length), margin, mode="reflect")


def tile(images, y0, y1, margin):
    """Return rows `y0` to `y1` of some images with a margin, in gray levels.

    Parameters
    ----------
    images : sequence of GrayImage of one shape (H, W)
    margin : int
        Rows and columns added on each side. Beyond the image they are mirrored about the
        outermost pixel (`numpy.pad`'s "reflect"; a single row or column is repeated).

    Returns
    -------
    padded : (P, y1 - y0 + 2 * margin, at least W + 2 * margin + 32) float32
        Behind each row is room for whole-vector reads.
    """
    height, width = images[0].shape
    rows = _reflected(height, margin)[y0 : y1 + 2 * margin]
    columns = _reflected(width, margin) + margin
    right = slice(margin + width, 2 * margin + width)
    inside = np.all(np.diff(rows) == 1)
    index = slice(rows[0], rows[-1] + 1) if inside else rows
    length = -(-(width + 2 * margin + _OVERREAD) // 16) * 16
    padded = aligned_empty((len(images), rows.size, length))
    padded[:, :, 2 * margin + width :] = 0
    for image, out in zip(images, padded, strict=True):
        image.read(index, out[:, margin : margin + width])
        out[:, :margin] = out[:, columns[:margin]]
        out[:, right] = out[:, columns[margin + width :]]
    return padded


def over_blocks(function, shape, num_threads):
    """Call ``function(y0, y1)`` for blocks of rows of an image of `shape`, in threads.

    Blocks are alike, hold at most some 131,072 pixels, and do not depend on the number of threads.
    """
    height, width = shape
    count = -(-height * width // _PIXELS)
    rows = max(8, -(-height // count))
    bounds = [(y0, min(y0 + rows, height)) for y0 in range(0, height, rows)]
    if num_threads == 1 or len(bounds) == 1:
        for y0, y1 in bounds:
            function(y0, y1)
        return
    with ThreadPoolExecutor(num_threads) as pool:
        for _ in pool.map(lambda bound: function(*bound), bounds):
            pass
