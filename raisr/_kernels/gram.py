"""Normal equations of every class: pixels sorted by class, packed, and multiplied with themselves.

Each sample is one row ``[taps, 1, target]``, so the Gram matrix of a class holds ``A^T A``,
``A^T b``, the sums and the number of samples at once.
"""

import numpy as np

from raisr._kernels import kernel
from raisr._simd import copy_patch, rank_update

__all__ = ["CHUNK", "accumulate_classes", "sort_by_class"]

# float32 sums of this many products of centred 8-bit values (at most 128 * 128) are exact.
CHUNK = 1024
_TILE = (0,) * 8
_ONE = (0,)
_TWO = (0, 0)


@kernel
def sort_by_class(classes, num_classes):
    """Stable counting sort: pixel positions ordered by class, and where each class starts."""
    height, width = classes.shape
    starts = np.zeros(num_classes + 1, np.int64)
    for y in range(height):
        for x in range(width):
            starts[classes[y, x] + 1] += 1
    for c in range(num_classes):
        starts[c + 1] += starts[c]
    following = starts.copy()
    order = np.empty(height * width, np.int32)
    for y in range(height):
        for x in range(width):
            c = classes[y, x]
            order[following[c]] = y * width + x
            following[c] += 1
    return order, starts


@kernel
def _pack(size, lanes, padded, target, positions, buffer):
    """One row ``[taps, 1, target]`` of `buffer` for each position."""
    planes, width, side = padded.shape[0], target.shape[1], len(size)
    image, plane = np.int64(padded.ctypes.data), np.int64(padded.strides[0])
    row, out = np.int64(padded.strides[1]), np.int64(buffer.ctypes.data)
    taps = planes * side * side
    for i in range(positions.size):
        y, x = positions[i] // width, positions[i] % width
        for p in range(planes):
            source = image + p * plane + y * row + 4 * x
            copy_patch(size, lanes, source, row, out + 4 * p * side * side)
        buffer[i, taps] = np.float32(1)
        buffer[i, taps + 1] = target[y, x]
        buffer[i, taps + 2 :] = np.float32(0)
        out += np.int64(buffer.strides[0])


@kernel
def _symmetric_update(buffer, count, gram):
    """Add ``buffer[:count].T @ buffer[:count]`` to the upper triangle of `gram`, in tiles."""
    a, stride = np.int64(buffer.ctypes.data), np.int64(buffer.strides[0])
    c, c_stride = np.int64(gram.ctypes.data), np.int64(gram.strides[0])
    size = gram.shape[0]
    for j in range(0, size - 16, 32):
        for i in range(0, j + 16, 8):
            tile = c + i * c_stride + 4 * j
            rank_update(_TILE, _TWO, a + 4 * i, a + 4 * j, stride, count, tile, c_stride)
        for i in range(j + 16, j + 32, 8):
            tile = c + i * c_stride + 4 * (j + 16)
            rank_update(_TILE, _ONE, a + 4 * i, a + 4 * (j + 16), stride, count, tile, c_stride)
    if size % 32:
        j = size - 16
        for i in range(0, size, 8):
            tile = c + i * c_stride + 4 * j
            rank_update(_TILE, _ONE, a + 4 * i, a + 4 * j, stride, count, tile, c_stride)


@kernel
def accumulate_classes(size, lanes, padded, target, order, starts, first, last, totals):
    """Add the samples of classes `first` to `last` to their Gram matrices.

    Parameters
    ----------
    size, lanes : tokens
        Side of the filters and vector length.
    padded : (planes, H + size - 1, >= W + size - 1 + 16) float32
        Input planes with a margin of ``size // 2``.
    target : (H, W) float32
    order, starts : arrays
        From `sort_by_class`.
    totals : (num_classes, n, n) float64, n = planes * size**2 + 2
        Upper triangles are added to in place.
    """
    n = totals.shape[1]
    padded_n = (n + 15) // 16 * 16
    buffer = np.zeros((CHUNK + 1, padded_n + 16), np.float32)
    gram = np.empty((padded_n, padded_n), np.float32)
    for c in range(first, last):
        for start in range(starts[c], starts[c + 1], CHUNK):
            stop = min(start + CHUNK, starts[c + 1])
            _pack(size, lanes, padded, target, order[start:stop], buffer[:, :padded_n])
            gram[:] = np.float32(0)
            _symmetric_update(buffer, stop - start, gram)
            total = totals[c]
            for i in range(n):
                for j in range(i, n):
                    total[i, j] += gram[i, j]
