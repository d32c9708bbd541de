"""Structure tensor and class map, row by row in strips that stay in the nearest cache.

Every pixel is computed by the same operations in the same order: its bits do not depend on where a
strip, a row block or a vector begins. Sums of a box window over 8-bit pixels are exact in float32.
"""

from functools import cache

import numpy as np

from raisr._simd_hash import LANES
from raisr.kernels import kernel, subkernel
from raisr.kernels.calls import call, special
from raisr.kernels.memory import aligned, bytes_at, copy, floats_at, shorts_at
from raisr.kernels.micro import class_row, product_row, tensor_row
from raisr.kernels.pixels import read_row
from raisr.simd import token

__all__ = ["hash_rows", "row_kernels", "statistics"]

_STRIP = 256
_LINE = _STRIP + 64


@cache
def row_kernels(window):
    """Return the addresses of what `hash_rows` does to a row, for windows of so many pixels.

    Nothing else depends on the window, so that all else is compiled once.
    """
    half = token(window // 2)

    def product(above, here, below, weights, out, channel, count):  # compiled, as the others
        product_row(half, above, here, below, weights, out, channel, count)

    def tensor(ring, first, slot, channel, weights, out, gap, count):
        tensor_row(half, ring, first, slot, channel, weights, out, gap, count)

    def classes(ring, first, slot, channel, weights, d, s, c, nd, ns, nc, sd, ss, sc, out, count):
        limits, counts, steps = (d, s, c), (nd, ns, nc), (sd, ss, sc)
        class_row(half, ring, first, slot, channel, weights, limits, counts, steps, out, count)

    return tuple(special(function, window) for function in (product, tensor, classes))


@subkernel
def _work(k):
    """Scratch: three rows of pixels as read, three smoothed, k of products, one of the tensor."""
    return (
        aligned(3 * _LINE).reshape(3, _LINE),
        aligned(3 * _LINE).reshape(3, _LINE),
        aligned(3 * k * _STRIP).reshape(k, 3, _STRIP),
        aligned(3 * _STRIP).reshape(3, _STRIP),
    )


@subkernel
def _smooth(above, here, below, weight, out):
    """Smooth a row by ``[weight, 1 - 2 * weight, weight]`` both ways; it loses its two ends."""
    centre = np.float32(1) - (weight + weight)
    line = np.empty(here.size, np.float32)
    for i in range(here.size):
        line[i] = centre * here[i] + weight * (above[i] + below[i])
    left, middle, right = line[:-2], line[1:-1], line[2:]
    for i in range(out.size):
        out[i] = centre * middle[i] + weight * (left[i] + right[i])


@subkernel
def _read_smoothed(source, weight, y, x0, n, raw, smoothed):
    """Row `y`, smoothed, to ``smoothed[y % 3]``; the two above it must have come before."""
    if weight == 0:
        read_row(source, y, x0, n, np.int64(smoothed[y % 3].ctypes.data))
    else:
        read_row(source, y + 1, x0 - 1, n + 2, np.int64(raw[(y + 1) % 3].ctypes.data))
        above, here, below = raw[(y - 1) % 3], raw[y % 3], raw[(y + 1) % 3]
        _smooth(above[: n + 2], here[: n + 2], below[: n + 2], weight, smoothed[y % 3, :n])


@kernel
def hash_rows(source, kernels, smoothing, taps, edges, strides, out, y0, y1):
    """Class map, or structure tensor, of rows `y0` to `y1` of an image.

    Parameters
    ----------
    source : tuple
        See `raisr.kernels.pixels.read_row`.
    kernels : (product, tensor, classes)
        See `row_kernels`, for windows as long as `taps`.
    smoothing : float
        Weight of smoothing the image by ``[weight, 1 - 2 * weight, weight]`` before.
    taps : (k,) float32
        Symmetric window weights.
    edges : (directions, strengths, coherences)
        directions, (orientations / 2 - 1, 2) float32: cosine and sine of the orientation edges of
        the first half turn, doubled angle; strengths, float32: edges for twice the larger
        eigenvalue of the weighted sum of doubled gradients; coherences, float32: edges for
        ``(s1 - s2)**2 / (s1 + s2)**2``.
    strides : (3,) int64
        Index step of orientation, strength and coherence.
    out : (address, row, channel, size)
        Where row `y0` begins, and bytes from row to row. `size` is that of a class, 1 or 2 bytes,
        or 0 for the tensor: float32, and `channel` bytes from rr to rc to cc.
    """
    k, width = taps.size, source[2]
    raw, smoothed, products, tensor = _work(k)
    weight, weights = np.float32(smoothing), np.int64(taps.ctypes.data)
    directions, strengths, coherences = edges
    counts = (directions.shape[0], strengths.size, coherences.size)
    limits = (
        np.int64(directions.ctypes.data),
        np.int64(strengths.ctypes.data),
        np.int64(coherences.ctypes.data),
    )
    steps = (strides[0], strides[1], strides[2])
    line, slot = np.int64(smoothed.strides[0]), np.int64(products.strides[0])
    channel, gap = np.int64(products.strides[1]), np.int64(tensor.strides[0])
    found = np.zeros(_STRIP, np.uint16)
    address, row, far, size = out
    for x0 in range(0, width, _STRIP):
        n = min(_STRIP, width - x0)
        count = -(-n // LANES)
        left, length = x0 - k // 2 - 1, n + k + 1
        top = y0 - k // 2 - 1
        if weight != 0:
            for y in range(top - 1, top + 1):
                read_row(source, y, left - 1, length + 2, np.int64(raw[y % 3].ctypes.data))
        for y in range(top, top + 2):
            _read_smoothed(source, weight, y, left, length, raw, smoothed)
        for i in range(y1 - y0 + k - 1):
            y = top + 1 + i
            # Numba frees an array after its last use, and the use of an address is none.
            lines, ring = np.int64(smoothed.ctypes.data), np.int64(products.ctypes.data)
            _read_smoothed(source, weight, y + 1, left, length, raw, smoothed)
            call(
                kernels[0],
                (
                    lines + (y - 1) % 3 * line,
                    lines + y % 3 * line,
                    lines + (y + 1) % 3 * line,
                    weights,
                    ring + i % k * slot,
                    channel,
                    count,
                ),
            )
            if i < k - 1:
                continue
            place, first = address + (i - k + 1) * row, (i + 1) % k
            if size == 0:
                sums = np.int64(tensor.ctypes.data)
                call(kernels[1], (ring, first, slot, channel, weights, sums, gap, count))
                for c in range(3):
                    copy(tensor[c], floats_at(place + c * far + 4 * x0, n))
                continue
            classes = np.int64(found.ctypes.data)
            about = (ring, first, slot, channel, weights)
            call(kernels[2], about + limits + counts + steps + (classes, count))
            if size == 1:
                copy(found, bytes_at(place + x0, n))
            else:
                copy(found, shorts_at(place + 2 * x0, n))


@kernel
def statistics(tensor, norm, root, scale, orientation, strength, coherence):
    """Gradient statistics of the pixels of a structure tensor, (3, H, W) float32.

    `norm` turns twice the larger eigenvalue of the weighted sum into that of the mean; `root` asks
    for its square root; `scale` is the unit of the gradients.
    """
    height, width = orientation.shape
    for y in range(height):
        for x in range(width):
            rr, rc, cc = tensor[0, y, x], tensor[1, y, x], tensor[2, y, x]
            trace, d, b = np.float64(rr + cc), rr - cc, rc + rc
            spread = np.sqrt(np.float64(d) * d + np.float64(b) * b)
            large, small = trace + spread, max(trace - spread, 0.0)
            turn = np.arctan2(np.float64(b), np.float64(d)) / (2 * np.pi)
            turn = np.float32(turn + 1.0 if turn < 0 else turn)
            value = large * norm * scale * scale
            total = np.sqrt(large) + np.sqrt(small)
            orientation[y, x] = turn if turn < 1 else np.float32(0)
            strength[y, x] = np.sqrt(value) if root else value
            coherence[y, x] = (np.sqrt(large) - np.sqrt(small)) / total if total > 0 else 0.0
