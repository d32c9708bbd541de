"""Structure tensor, gradient statistics and class map, row by row in strips that stay in L1.

Every pixel is computed by the same operations in the same order: its bits do not depend on where a
strip, a row block or a vector begins. Sums of a box window over 8-bit pixels are exact in float32.
"""

import numpy as np
from numba import njit

from raisr._simd import SUM_BLOCK, symmetric_sum

__all__ = ["class_rows", "smooth_rows", "statistics_rows"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_STRIP = 256


@njit(**_JIT)
def _symmetric_sums(source, step, taps, n, out):
    """``out[:n] = sum_t taps[t] * source[t * step:]``; writes whole blocks, up to the strip."""
    first, result = np.int64(source.ctypes.data), np.int64(out.ctypes.data)
    weights, half = np.int64(taps.ctypes.data), np.int64(taps.size // 2)
    for i in range(0, n, SUM_BLOCK):
        symmetric_sum(first + 4 * i, step, weights, half, result + 4 * i)


@njit(**_JIT)
def smooth_rows(padded, weight, out, y0, y1):
    """Rows `y0` to `y1` of `out`: `padded` smoothed by ``[weight, 1 - 2 * weight, weight]``.

    `out` lacks the outermost row and column of `padded` on every side.
    """
    width = out.shape[1]
    centre = np.float32(1) - (weight + weight)
    line = np.empty(width + 2, np.float32)
    for y in range(y0, y1):
        above, here, below, row = padded[y], padded[y + 1], padded[y + 2], out[y]
        for i in range(width + 2):
            line[i] = centre * here[i] + weight * (above[i] + below[i])
        left, middle, right = line[:width], line[1 : 1 + width], line[2:]
        for i in range(width):
            row[i] = centre * middle[i] + weight * (left[i] + right[i])


@njit(**_JIT)
def _gradient_products(above, here, below, n, products):
    """Products of the doubled central differences along rows (r) and columns (c)."""
    rr, rc, cc = products[0], products[1], products[2]
    left, right = here[:n], here[2 : 2 + n]
    for i in range(n):
        r = below[i + 1] - above[i + 1]
        c = right[i] - left[i]
        rr[i] = r * r
        rc[i] = r * c
        cc[i] = c * c


@njit(**_JIT)
def _push_row(padded, y, x0, n, taps, products, ring):
    """Smooth the gradient products of row `y` along the row into the ring.

    Row y lies in slots ``y % k`` and ``y % k + k``, so k rows in a row start at any slot.
    """
    k = taps.size
    m = n + k - 1
    row = padded[:, x0 : x0 + m + 2]
    _gradient_products(row[y], row[y + 1], row[y + 2], m, products)
    slot = y % k
    for channel in range(3):
        smooth, again = ring[channel, slot], ring[channel, slot + k]
        _symmetric_sums(products[channel], np.int64(4), taps, n, smooth)
        for i in range(n):
            again[i] = smooth[i]


@njit(**_JIT)
def _tensor_row(ring, y, n, taps, tensor):
    """Smooth the ring along columns: trace, difference and doubled cross term of row `y`."""
    step = np.int64(ring.strides[1])
    for channel in range(3):
        _symmetric_sums(ring[channel, y % taps.size], step, taps, n, tensor[channel])
    rr, rc, cc = tensor[0], tensor[1], tensor[2]
    for i in range(n):
        total, difference = rr[i] + cc[i], rr[i] - cc[i]
        rr[i] = total
        cc[i] = difference
        rc[i] += rc[i]


@njit(**_JIT)
def _classify(tensor, n, directions, strengths, coherences, strides, squared, index, out):
    """Class of each pixel from comparisons alone: no arc tangent, root or division."""
    trace, cross, difference = tensor[0], tensor[1], tensor[2]
    half = np.int32((directions.shape[0] + 1) * strides[0])
    zero = np.float32(0)
    for i in range(n):
        d, b = difference[i], cross[i]
        squared[i] = d * d + b * b
        lower = (b < zero) or ((b == zero) and (d < zero))
        difference[i] = -d if lower else d
        cross[i] = -b if lower else b
        index[i] = half if lower else np.int32(0)
    step = np.int32(strides[0])
    for e in range(directions.shape[0]):
        c, s = directions[e, 0], directions[e, 1]
        for i in range(n):
            passed = (cross[i] * c >= difference[i] * s) and (squared[i] > zero)
            index[i] += step if passed else np.int32(0)
    step = np.int32(strides[1])
    for e in range(strengths.size):
        edge = strengths[e]
        for i in range(n):
            gap = edge - trace[i]
            passed = (gap <= zero) or (squared[i] >= gap * gap)
            index[i] += step if passed else np.int32(0)
    step = np.int32(strides[2])
    for e in range(coherences.size):
        ratio = coherences[e]
        for i in range(n):
            passed = (squared[i] >= ratio * (trace[i] * trace[i])) and (squared[i] > zero)
            index[i] += step if passed else np.int32(0)
    for i in range(n):
        out[i] = np.uint16(index[i])


@njit(**_JIT)
def class_rows(padded, taps, directions, strengths, coherences, strides, out, y0, y1):
    """Class map of rows `y0` to `y1` of the image.

    Parameters
    ----------
    padded : (H + k + 1, >= W + k + 1) float32
        Image with a margin of ``k // 2 + 1`` on every side, k the length of `taps`.
    taps : (k,) float32
        Symmetric window weights.
    directions : (orientations / 2 - 1, 2) float32
        Cosine and sine of the orientation edges of the first half turn, doubled angle.
    strengths : float32
        Edges for twice the larger eigenvalue of the weighted sum of doubled gradients.
    coherences : float32
        Edges for ``(s1 - s2)**2 / (s1 + s2)**2``.
    strides : (3,) int64
        Index step of orientation, strength and coherence.
    out : (H, W) uint16
        Written in place.
    """
    k, width = taps.size, out.shape[1]
    products = np.empty((3, _STRIP + k + SUM_BLOCK), np.float32)
    ring = np.empty((3, 2 * k, _STRIP), np.float32)
    tensor = np.empty((3, _STRIP), np.float32)
    squared = np.empty(_STRIP, np.float32)
    index = np.empty(_STRIP, np.int32)
    for x0 in range(0, width, _STRIP):
        n = min(_STRIP, width - x0)
        for y in range(y0, y0 + k - 1):
            _push_row(padded, y, x0, n, taps, products, ring)
        for y in range(y0, y1):
            _push_row(padded, y + k - 1, x0, n, taps, products, ring)
            _tensor_row(ring, y, n, taps, tensor)
            row = out[y, x0 : x0 + n]
            _classify(tensor, n, directions, strengths, coherences, strides, squared, index, row)


@njit(**_JIT)
def statistics_rows(padded, taps, norm, root, scale, orientation, strength, coherence, y0, y1):
    """Gradient statistics of rows `y0` to `y1`; arguments as in `class_rows`.

    `norm` turns twice the larger eigenvalue of the weighted sum into that of the mean; `root` asks
    for its square root; `scale` is the unit of the gradients.
    """
    k, width = taps.size, orientation.shape[1]
    products = np.empty((3, _STRIP + k + SUM_BLOCK), np.float32)
    ring = np.empty((3, 2 * k, _STRIP), np.float32)
    tensor = np.empty((3, _STRIP), np.float32)
    for x0 in range(0, width, _STRIP):
        n = min(_STRIP, width - x0)
        for y in range(y0, y0 + k - 1):
            _push_row(padded, y, x0, n, taps, products, ring)
        for y in range(y0, y1):
            _push_row(padded, y + k - 1, x0, n, taps, products, ring)
            _tensor_row(ring, y, n, taps, tensor)
            for i in range(n):
                trace, b, d = np.float64(tensor[0, i]), tensor[1, i], tensor[2, i]
                spread = np.sqrt(np.float64(d) * d + np.float64(b) * b)
                large, small = trace + spread, max(trace - spread, 0.0)
                turn = np.arctan2(np.float64(b), np.float64(d)) / (2 * np.pi)
                turn = np.float32(turn + 1.0 if turn < 0 else turn)
                value = large * norm * scale * scale
                roots = np.sqrt(large) + np.sqrt(small)
                orientation[y, x0 + i] = turn if turn < 1 else np.float32(0)
                strength[y, x0 + i] = np.sqrt(value) if root else value
                coherence[y, x0 + i] = (
                    (np.sqrt(large) - np.sqrt(small)) / roots if roots > 0 else 0.0
                )
