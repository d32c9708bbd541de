"""Structure tensor, gradient statistics and class map, row by row in strips that stay in L1.

Every pixel is computed by the same operations in the same order: its bits do not depend on where a
strip, a row block or a vector begins. Sums of a box window over 8-bit pixels are exact in float32.
"""

import numpy as np

from raisr._kernels import kernel
from raisr._kernels.memory import aligned
from raisr._kernels.micro import classify, gradient_products, symmetric_sum
from raisr._simd import SUM_BLOCK
from raisr._simd_hash import LANES

__all__ = ["class_rows", "smooth_rows", "statistics_rows"]

_STRIP = 256


@kernel
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


@kernel
def _work(taps):
    """Gradient products of one row, k rows of them smoothed along the row, and the tensor.

    Row y of the smoothed products lies in slots ``y % k`` and ``y % k + k``, so that k rows on
    end start at any slot.
    """
    k = taps.size
    room = _STRIP + 2 * SUM_BLOCK
    products = aligned(3 * room).reshape(3, room)
    smoothed = aligned(3 * 2 * k * _STRIP).reshape(3, 2 * k, _STRIP)
    return products, smoothed, aligned(3 * _STRIP).reshape(3, _STRIP)


@kernel
def _push_row(image, row, n, taps, work, y):
    """Smooth the gradient products of `n` pixels of row `y` along the row.

    `image` is the address of the pixel above and left of the row's first.
    """
    products, smoothed, _ = work
    k = np.int64(taps.size)
    channel, line = np.int64(products.strides[0]), np.int64(smoothed.strides[1])
    source, weights = np.int64(products.ctypes.data), np.int64(taps.ctypes.data)
    for i in range(0, n + k - 1, LANES):
        gradient_products(image + 4 * i, row, source + 4 * i, channel)
    out = np.int64(smoothed.ctypes.data) + y % k * line
    for _ in range(3):
        for i in range(0, n, SUM_BLOCK):
            again = out + k * line + 4 * i
            symmetric_sum(source + 4 * i, np.int64(4), weights, k // 2, out + 4 * i, again)
        source += channel
        out += 2 * k * line


@kernel
def _tensor_row(n, taps, work, y):
    """Sum the smoothed products of rows `y` to ``y + k - 1``: rr, rc, cc of row `y`."""
    _, smoothed, tensor = work
    k, line = np.int64(taps.size), np.int64(smoothed.strides[1])
    source = np.int64(smoothed.ctypes.data) + y % k * line
    weights, out = np.int64(taps.ctypes.data), np.int64(tensor.ctypes.data)
    for _ in range(3):
        for i in range(0, n, SUM_BLOCK):
            symmetric_sum(source + 4 * i, line, weights, k // 2, out + 4 * i, out + 4 * i)
        source += 2 * k * line
        out += np.int64(tensor.strides[0])


@kernel
def class_rows(padded, taps, directions, strengths, coherences, strides, out, y0, y1):
    """Class map of rows `y0` to `y1` of the image.

    Parameters
    ----------
    padded : (H + k + 1, >= W + k + 1 + 31) float32
        Image with a margin of ``k // 2 + 1`` on every side, k the length of `taps`, and room for
        whole-vector reads.
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
    work = _work(taps)
    tensor, channel = np.int64(work[2].ctypes.data), np.int64(work[2].strides[0])
    counts = (directions.shape[0], strengths.size, coherences.size)
    edges = (
        np.int64(directions.ctypes.data),
        np.int64(strengths.ctypes.data),
        np.int64(coherences.ctypes.data),
    )
    steps = (strides[0], strides[1], strides[2])
    row, image = np.int64(padded.strides[0]), np.int64(padded.ctypes.data)
    found = np.empty(_STRIP, np.uint16)
    classes = np.int64(found.ctypes.data)
    for x0 in range(0, width, _STRIP):
        n = min(_STRIP, width - x0)
        for y in range(y0, y0 + k - 1):
            _push_row(image + y * row + 4 * x0, row, n, taps, work, y)
        for y in range(y0, y1):
            last = y + k - 1
            _push_row(image + last * row + 4 * x0, row, n, taps, work, last)
            _tensor_row(n, taps, work, y)
            for i in range(0, n, LANES):
                classify(tensor + 4 * i, channel, edges, counts, steps, classes + 2 * i)
            for i in range(n):
                out[y, x0 + i] = found[i]


@kernel
def statistics_rows(padded, taps, norm, root, scale, orientation, strength, coherence, y0, y1):
    """Gradient statistics of rows `y0` to `y1`; arguments as in `class_rows`.

    `norm` turns twice the larger eigenvalue of the weighted sum into that of the mean; `root` asks
    for its square root; `scale` is the unit of the gradients.
    """
    k, width = taps.size, orientation.shape[1]
    work = _work(taps)
    tensor = work[2]
    row, image = np.int64(padded.strides[0]), np.int64(padded.ctypes.data)
    for x0 in range(0, width, _STRIP):
        n = min(_STRIP, width - x0)
        for y in range(y0, y0 + k - 1):
            _push_row(image + y * row + 4 * x0, row, n, taps, work, y)
        for y in range(y0, y1):
            last = y + k - 1
            _push_row(image + last * row + 4 * x0, row, n, taps, work, last)
            _tensor_row(n, taps, work, y)
            for i in range(n):
                trace = np.float64(tensor[0, i] + tensor[2, i])
                d = tensor[0, i] - tensor[2, i]
                b = tensor[1, i] + tensor[1, i]
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
