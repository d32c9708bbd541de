"""The micro-kernels in plain Numba, for processors where vector code is not known to compile.

Each takes the arguments of its twin in `raisr.simd` or `raisr._simd_*`, and gives
the same up to the rounding of sums.
"""

import numpy as np
from numba import njit

from raisr._simd_bytes import GROUP
from raisr._simd_hash import LANES
from raisr._simd_phases import PIXELS, phase_layout
from raisr.kernels.measures import profile_measures
from raisr.kernels.memory import bytes_at, floats_at, shorts_at

__all__ = [
    "class_row",
    "copy_patch",
    "filter_block",
    "join_bytes",
    "phase_block",
    "prefetch",
    "product_row",
    "profile_row",
    "rank_update",
    "split_bytes",
    "tensor_row",
]

_phase_layout = njit(phase_layout)


@njit
def filter_block(size, planes, lanes, image, row, plane, classes, filters, out):
    """Filter `lanes` neighbouring pixels, each with the filter of its own class."""
    k, p, n = len(size), len(planes), len(lanes)
    indices, results = shorts_at(classes, n), floats_at(out, n)
    for pixel in range(n):
        weights = floats_at(
            filters + 4 * n * (1 + p * k) * np.int64(indices[pixel]), n * (1 + p * k)
        )
        total = weights[0]
        for q in range(p):
            for r in range(k):
                taps = floats_at(image + q * plane + r * row + 4 * pixel, k)
                for i in range(k):
                    total += weights[n * (1 + q * k + r) + i] * taps[i]
        results[pixel] = total


@njit
def copy_patch(size, lanes, image, row, out):
    """Copy a `size` x `size` patch to ``size**2`` contiguous floats."""
    k = len(size)
    for r in range(k):
        line, copy = floats_at(image + r * row, k), floats_at(out + 4 * k * r, k)
        for i in range(k):
            copy[i] = line[i]


@njit
def prefetch(address, count):
    """Do nothing."""


@njit
def rank_update(rows, vectors, a, b, stride, count, c, c_stride):
    """``C[i, j] += sum_t A[t, i] * B[t, j]``."""
    m, n = len(rows), 16 * len(vectors)
    for t in range(count):
        left, right = floats_at(a + t * stride, m), floats_at(b + t * stride, n)
        for i in range(m):
            line = floats_at(c + i * c_stride, n)
            for j in range(n):
                line[j] += left[i] * right[j]


@njit
def _symmetric_sum(weights, half, values, first):
    """Sum of taps times the values from `first` on; by half of the taps."""
    middle = first + half
    total = weights[half] * values[middle]
    for d in range(1, half + 1):
        total += weights[half - d] * (values[middle - d] + values[middle + d])
    return total


@njit
def product_row(half, above, here, below, taps, out, channel, count):
    """Gradient products of pixels of one row, summed along the row."""
    h, n = len(half), LANES * count
    length = n + 2 * h
    r = floats_at(below + 4, length) - floats_at(above + 4, length)
    c = floats_at(here + 8, length) - floats_at(here, length)
    weights = floats_at(taps, h + 1)
    for which, products in enumerate((r * r, r * c, c * c)):
        sums = floats_at(out + which * channel, n)
        for i in range(n):
            sums[i] = _symmetric_sum(weights, h, products, i)


@njit
def tensor_row(half, ring, first, line, channel, taps, out, out_channel, count):
    """Structure tensor of the pixels of one row."""
    h = len(half)
    k, weights = 2 * h + 1, floats_at(taps, h + 1)
    column = np.empty(k, np.float32)
    for c in range(3):
        sums = floats_at(out + c * out_channel, LANES * count)
        for i in range(LANES * count):
            for t in range(k):
                column[t] = floats_at(ring + (first + t) % k * line + c * channel + 4 * i, 1)[0]
            sums[i] = _symmetric_sum(weights, h, column, 0)


@njit
def class_row(half, ring, first, line, channel, taps, edges, counts, steps, out, count):
    """Write the classes, uint16, of the pixels of one row, from comparisons alone."""
    tensor = np.empty((3, LANES * count), np.float32)
    tensor_row(
        half,
        ring,
        first,
        line,
        channel,
        taps,
        np.int64(tensor.ctypes.data),
        np.int64(tensor.strides[0]),
        count,
    )
    directions, strengths = floats_at(edges[0], 2 * counts[0]), floats_at(edges[1], counts[1])
    coherences, classes = floats_at(edges[2], counts[2]), shorts_at(out, LANES * count)
    for i in range(LANES * count):
        rr, rc, cc = tensor[0, i], tensor[1, i], tensor[2, i]
        trace, d, b = rr + cc, rr - cc, rc + rc
        squared, index = d * d + b * b, np.int64(0)
        if b < 0 or (b == 0 and d < 0):
            d, b, index = -d, -b, (counts[0] + 1) * steps[0]
        for e in range(counts[0]):
            beyond = b * directions[2 * e] >= d * directions[2 * e + 1]
            index += steps[0] if squared > 0 and beyond else 0
        for e in range(counts[1]):
            gap = strengths[e] - trace
            index += steps[1] if gap <= 0 or squared >= gap * gap else 0
        for e in range(counts[2]):
            beyond = squared >= coherences[e] * (trace * trace)
            index += steps[2] if squared > 0 and beyond else 0
        classes[i] = np.uint16(index)


@njit
def _passed(part, whole, edges):
    """Count the edges that the fraction ``part / whole`` reaches."""
    total = 0
    for i in range(edges.size):
        total += part >= edges[i] * whole
    return total


@njit
def profile_row(tensor, channel, tile, row, norm, edges, counts, out, count):
    """Write the classes, uint16, of the pixels of one row."""
    n = LANES * count
    vv, uv, uu = (
        floats_at(tensor, n),
        floats_at(tensor + channel, n),
        floats_at(tensor + 2 * channel, n),
    )
    classes, limits = shorts_at(out, n), floats_at(edges, sum(counts))
    around = np.empty((3, 3), np.float32)
    for x in range(n):
        for i in range(3):
            pixels = floats_at(tile + i * row + 4 * x, 3)
            for j in range(3):
                around[i, j] = pixels[j]
        a, b, parts, wholes = profile_measures(vv[x], uv[x], uu[x], norm, around)
        odd = (a < 0) != (b < 0)
        quadrant = 2 * (b < 0) + odd
        share = abs(a) if odd else abs(b)
        found = counts[0] * quadrant + _passed(share, abs(a) + abs(b), limits[: counts[0]])
        if found == 4 * counts[0]:
            found = 0
        end = counts[0]
        for axis in range(4):
            first, end = end, end + counts[1 + axis]
            reached = _passed(parts[axis], wholes[axis], limits[first:end])
            found = found * (counts[1 + axis] + 1) + reached
        classes[x] = np.uint16(found)


@njit
def _middle(image, row, size):
    """Return the middle pixel of a filter, or the mean of four."""
    first = image + (size - 1) // 2 * (row + 4)
    above = floats_at(first, 2)
    if size % 2:
        return above[0]
    below = floats_at(first + row, 2)
    return ((above[0] + above[1]) + (below[0] + below[1])) * np.float32(0.25)


@njit
def _weight(word, odd):
    """Return one of two weights that share 32 bits."""
    bits = word << np.uint32(16) if odd else word & np.uint32(0xFFFF0000)
    return np.uint32(bits).view(np.float32)


@njit
def phase_block(size, planes, side, lines, stride, image, row, plane, classes, filters, out, step):
    """Filter 8 neighbouring pixels, each with the filters of its own class for all its phases."""
    k, p, b = len(size), len(planes), len(side)
    taps, share = _phase_layout(b * b)
    pairs, groups = -(-k // (2 * taps)), -(-b * b // share)
    lanes = share * taps
    count = groups * lanes * (1 + p * k * pairs)
    indices = shorts_at(classes, PIXELS)
    for pixel in range(PIXELS):
        bank = floats_at(filters + 4 * count * np.int64(indices[pixel]), count)
        rest = bank[: groups * lanes].reshape((groups, share, taps))
        words = bank[groups * lanes :].view(np.uint32).reshape((p * k, pairs, groups, share, taps))
        middle = _middle(image + (p - 1) * plane + 4 * len(stride) * pixel, row, k)
        for phase in range(b * b):
            group, lane = phase // share, phase % share
            total = rest[group, lane, 0] * middle
            for r in range(p * k):
                place = image + r // k * plane + r % k * row
                line = floats_at(place + 4 * len(stride) * pixel, k)
                for i in range(k):
                    word = words[r, i // taps // 2, group, lane, i % taps]
                    total += _weight(word, i // taps % 2) * line[i]
            place = out + phase // b * step + 4 * (pixel * b + phase % b)
            if len(lines):
                place = out + phase * step + 4 * pixel
            floats_at(place, 1)[0] = total


@njit
def split_bytes(address, factor, out, count):
    """Read every third byte as float32, times a factor."""
    n = GROUP * count
    levels, found = floats_at(out, n), bytes_at(address, 3 * n)
    for i in range(n):
        levels[i] = np.float32(found[3 * i]) * factor


@njit
def join_bytes(first, second, third, factor, out, count):
    """Write three channels, times a factor, as bytes side by side: rounded, and clipped."""
    n = GROUP * count
    pixels = bytes_at(out, 3 * n)
    for c, channel in enumerate((first, second, third)):
        levels = floats_at(channel, n)
        for i in range(n):
            value = np.rint(levels[i] * factor)
            pixels[3 * i + c] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))
