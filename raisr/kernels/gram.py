"""Normal equations of every class: pixels sorted by class, packed, and multiplied with themselves.

Each sample is one row ``[taps, 1, targets]``, so the Gram matrix of a class holds ``A^T A``,
``A^T b``, the sums and the number of samples at once. There is one target, or one for each phase of
an enlarged pixel.
"""

from functools import cache

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.calls import call, special
from raisr.kernels.memory import aligned, number_at
from raisr.kernels.micro import copy_patch, rank_update
from raisr.simd import lanes_for, token

__all__ = ["CHUNK", "accumulate_classes", "patch_kernel", "sort_by_class", "workspace"]

# float32 sums of this many products of centred 8-bit values (at most 128 * 128) are exact.
CHUNK = 1024
_ONE, _TWO, _FOUR, _EIGHT = (0,), (0,) * 2, (0,) * 4, (0,) * 8


@kernel
def sort_by_class(classes, num_classes, order):
    """Stable counting sort: pixel positions by class, to `order`; returns where classes start."""
    height, width = classes.shape
    starts = np.zeros(num_classes + 1, np.int64)
    for y in range(height):
        for x in range(width):
            starts[classes[y, x] + 1] += 1
    for c in range(num_classes):
        starts[c + 1] += starts[c]
    following = starts.copy()
    for y in range(height):
        for x in range(width):
            c = classes[y, x]
            order[following[c]] = y * width + x
            following[c] += 1
    return starts


@cache
def patch_kernel(size):
    """Return the address of what copies the taps of pixels into the rows of a buffer."""
    k, n = token(size), token(lanes_for(size))
    taps = 4 * size * size

    def patches(image, plane, row, planes, step, width, positions, count, out, stride):  # compiled
        for i in range(count):
            position = number_at(positions + 4 * i, np.int32(0))
            y, x = position // width, position % width
            for p in range(planes):
                source = image + p * plane + step * (y * row + 4 * x)
                copy_patch(k, n, source, row, out + p * taps)
            out += stride

    return special(patches, size)


@subkernel
def _pack(patches, step, padded, targets, positions, buffer, taps):
    """One row ``[taps, 1, targets]`` of `buffer` for each position; what follows is arbitrary."""
    planes, count, width = padded.shape[0], positions.size, targets.shape[2]
    image, plane, row = padded.ctypes.data, padded.strides[0], padded.strides[1]
    image, place, out = np.int64(image), np.int64(positions.ctypes.data), buffer.ctypes.data
    rows = (np.int64(out), np.int64(buffer.strides[0]))
    about = (image, np.int64(plane), np.int64(row), planes, step, width)
    call(patches, about + (place, count) + rows)  # noqa: RUF005 (Numba knows no other)
    values = targets.reshape(targets.shape[0], targets.shape[1] * width)
    for i in range(count):
        buffer[i, taps] = np.float32(1)
        for t in range(targets.shape[0]):
            buffer[i, taps + 1 + t] = values[t, positions[i]]


@subkernel
def _symmetric_update(buffer, count, n, gram):
    """Add ``buffer[:count].T @ buffer[:count]`` to half of `gram`, in tiles kept in registers.

    Columns come in vectors of 16. Of the whole vectors the upper triangle is written; of the
    last n % 16 columns the rows, which are fewer.
    """
    a, stride = np.int64(buffer.ctypes.data), np.int64(buffer.strides[0])
    c, c_stride = np.int64(gram.ctypes.data), np.int64(gram.strides[0])
    whole = n // 16 * 16
    for j in range(0, whole, 32):
        pair = j + 32 <= whole
        for i in range(0, j + 16, 8):
            tile = c + i * c_stride + 4 * j
            if pair:
                rank_update(_EIGHT, _TWO, a + 4 * i, a + 4 * j, stride, count, tile, c_stride)
            else:
                rank_update(_EIGHT, _ONE, a + 4 * i, a + 4 * j, stride, count, tile, c_stride)
        if pair:
            for i in range(j + 16, j + 32, 8):
                tile = c + i * c_stride + 4 * (j + 16)
                right = a + 4 * (j + 16)
                rank_update(_EIGHT, _ONE, a + 4 * i, right, stride, count, tile, c_stride)
    for i in range(whole, n, 4):
        for j in range(0, whole + 16, 32):
            tile = c + i * c_stride + 4 * j
            if j + 32 <= whole + 16:
                rank_update(_FOUR, _TWO, a + 4 * i, a + 4 * j, stride, count, tile, c_stride)
            else:
                rank_update(_FOUR, _ONE, a + 4 * i, a + 4 * j, stride, count, tile, c_stride)


@subkernel
def _add_half(gram, n, total):
    """Add what `_symmetric_update` wrote to the upper triangle of `total`."""
    whole = n // 16 * 16
    for i in range(whole):
        row, out = gram[i], total[i]
        for j in range(i, whole):
            out[j] += row[j]
    for j in range(whole, n):
        for i in range(j + 1):
            total[i, j] += gram[j, i]


@kernel
def workspace(n):
    """Scratch of `accumulate_classes`: samples of n numbers, and their Gram matrix."""
    columns = n // 16 * 16 + 32
    buffer = aligned((CHUNK + 1) * columns).reshape(CHUNK + 1, columns)
    return buffer, aligned(columns * columns).reshape(columns, columns)


@kernel
def accumulate_classes(
    patches, step, padded, targets, order, starts, first, last, buffer, gram, totals
):
    """Add the samples of classes `first` to `last` to their Gram matrices.

    Parameters
    ----------
    patches : int64
        See `patch_kernel`.
    step : int64
        Pixels of the planes from one sample to the next.
    padded : (planes, step * (H - 1) + size, >= step * (W - 1) + size + 16) float32
        Input planes with their margins.
    targets : (count, H, W) float32
    order, starts : arrays, int32 and int64
        Of `sort_by_class`.
    buffer, gram : arrays
        Of `workspace`; overwritten.
    totals : (num_classes, n, n) float64, n = planes * size**2 + 1 + count
        Upper triangles are added to in place.
    """
    n = totals.shape[1]
    taps = n - 1 - targets.shape[0]
    for c in range(first, last):
        for start in range(starts[c], starts[c + 1], CHUNK):
            stop = min(start + CHUNK, starts[c + 1])
            _pack(patches, step, padded, targets, order[start:stop], buffer, taps)
            gram[:] = np.float32(0)
            _symmetric_update(buffer, stop - start, n, gram)
            _add_half(gram, n, totals[c])
