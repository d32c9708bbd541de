"""What levels of noise are told from: the finest details, where they are, and their medians."""

import numpy as np

from raisr.kernels import kernel, subkernel

__all__ = ["block_medians", "find_details", "mark_living"]

_ROOT = 3**0.5
_TAPS = np.array([-1 - _ROOT, 3 + _ROOT, _ROOT - 3, 1 - _ROOT]) / 32**0.5
_A, _B, _C, _D = (np.float32(tap) for tap in _TAPS)  # Daubechies, two vanishing moments (db2)
_REACH = 2


@subkernel
def _mirrored(i, length):
    """Return the pixel at `i`, where borders are mirrored, the outermost pixel repeated."""
    i = i % (2 * length)
    return min(i, 2 * length - 1 - i)


@kernel
def find_details(plane, out):
    """Write the magnitudes of the diagonal details of the finest scale.

    Parameters
    ----------
    plane : (H, W) float32
    out : ((H + 3) // 2, (W + 3) // 2) float32
    """
    height, width = plane.shape
    line = np.empty(2 * out.shape[1] + 2, np.float32)  # begins two pixels before the row
    for y in range(out.shape[0]):
        first = plane[_mirrored(2 * y + 1, height)]
        second = plane[_mirrored(2 * y, height)]
        third = plane[_mirrored(2 * y - 1, height)]
        fourth = plane[_mirrored(2 * y - 2, height)]
        inner = line[2 : 2 + width]
        for x in range(width):
            inner[x] = _A * first[x] + _B * second[x] + _C * third[x] + _D * fourth[x]
        for x in range(2):
            line[x] = inner[_mirrored(x - 2, width)]
        for x in range(width, line.size - 2):
            line[2 + x] = inner[_mirrored(x, width)]
        row = out[y]
        for x in range(row.size):
            taps = line[2 * x : 2 * x + 4]
            row[x] = abs(_A * taps[3] + _B * taps[2] + _C * taps[1] + _D * taps[0])


@kernel
def mark_living(values, least, out):
    """Mark what is above `least`, as is most of the 5 x 5 values around it.

    Parameters
    ----------
    values : (H, W) float32
    least : float32
    out : (H, W) bool
    """
    height, width = values.shape
    columns = np.empty(width + 2 * _REACH, np.uint8)  # with those beyond the borders
    inner = columns[_REACH : _REACH + width]
    most = (2 * _REACH + 1) ** 2 // 2
    for y in range(out.shape[0]):
        inner[:] = 0
        for i in range(-_REACH, _REACH + 1):
            line = values[_mirrored(y + i, height)]
            for x in range(width):
                inner[x] += np.uint8(line[x] > least)
        for x in range(_REACH):
            columns[x] = inner[_mirrored(x - _REACH, width)]
            columns[_REACH + width + x] = inner[_mirrored(width + x, width)]
        line, row = values[y], out[y]
        for x in range(width):
            count = columns[x] + columns[x + 1] + columns[x + 2] + columns[x + 3] + columns[x + 4]
            row[x] = (line[x] > least) & (count > most)


@kernel
def block_medians(blocks, out):
    """Write the median of each row of numbers that are not negative.

    Such floats are in the order of their bits, which are found one by one.

    Parameters
    ----------
    blocks : (n, size) float32
    out : (n,) float32
    """
    size = blocks.shape[1]
    rank = (size - 1) // 2
    for i in range(blocks.shape[0]):
        bits = blocks[i].view(np.int32)
        lower, less, more = np.int32(0), 0, size
        for place in range(30, -1, -1):
            trial = lower | np.int32(1 << place)
            count = _below(bits, trial)
            if count <= rank:
                lower, less = trial, count
            else:
                more = count
            if more - less == 1:  # one is left
                lower = _next(bits, lower - np.int32(1))
                break
        upper = lower
        if size % 2 == 0 and _below(bits, lower + np.int32(1)) <= rank + 1:
            upper = _next(bits, lower)
        pair = np.array([lower, upper], np.int32).view(np.float32)
        out[i] = (pair[0] + pair[1]) / np.float32(2)


@subkernel
def _below(bits, bound):
    count = np.int32(0)
    for i in range(bits.size):
        count += bits[i] < bound
    return count


@subkernel
def _next(bits, value):
    """Return the smallest that is larger."""
    found = np.int32(0x7FFFFFFF)
    for i in range(bits.size):
        if bits[i] > value:
            found = min(found, bits[i])
    return found
