"""Apply filters that give a block of pixels for each one, in strips that stay in the cache."""

from functools import cache

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.calls import call, special
from raisr.kernels.memory import aligned, copy
from raisr.kernels.micro import phase_block
from raisr.kernels.pixels import read_row, write_row
from raisr.simd import token

__all__ = ["line_kernel", "phase_rows"]

_ROWS, _COLUMNS, _GROUP = 32, 256, 8


@cache
def line_kernel(size, planes, side, lines, stride):
    """Return the address of what filters a line of pixels: see `raisr._simd_phases.phase_block`."""
    k, p, b, apart, s = map(token, (size, planes, side, lines, stride))
    taps_step, out_step = 4 * stride, 4 if lines else 4 * side

    def line(taps, row, plane, classes, filters, out, step, columns):  # compiled
        for x in range(0, columns, _GROUP):
            image, at = taps + taps_step * x, out + out_step * x
            phase_block(k, p, b, apart, s, image, row, plane, classes + 2 * x, filters, at, step)

    return special(line, size, planes, side, lines, stride)


@subkernel
def _share(place, factor, margin, count):
    """Return the share of each block, of `count` in a row, in the pixel at `place`."""
    last = min((place + margin) // factor, count - 1)
    first = max((place - margin - factor) // factor + 1, 0)
    return np.float32(1) / np.float32(last - first + 1)


@subkernel
def _scale(values, share, shares, out):
    for x in range(values.size):
        out[x] = values[x] * (share * shares[x])


@subkernel
def _add(values, out):
    for x in range(values.size):
        out[x] += values[x]


@subkernel
def _add_blocks(lines, side, factor, count, sums):
    """Add the phases of `count` pixels, a line each, to the rows of the result they reach."""
    for r in range(side):
        for c in range(side):
            row, values = sums[r, c:], lines[r * side + c]
            if factor == 1:
                _add(values[:count], row)
            else:
                for x in range(count):
                    row[factor * x] += values[x]


@kernel
def phase_rows(line, size, side, lines, stride, factor, sources, classes, filters, sink, y0, y1):
    """Enlarge rows `y0` to `y1`, of which each becomes `factor` rows of the result.

    Parameters
    ----------
    line : int64
        See `line_kernel`.
    size, side, lines, stride : int64
        See `raisr._simd_phases.phase_block`; `lines` is 1 where blocks overlap, else 0.
    factor : int64
        How many times larger the result is; blocks reach ``(side - factor) / 2`` over that.
    sources : tuple of tuples
        Planes, as `raisr.kernels.pixels.read_row` takes them.
    classes : (H, W) uint16
        Every index must be below the number of classes: it is not checked here.
    filters : array
        See `raisr.phases.pack`.
    sink : tuple
        Result, as `raisr.kernels.pixels.write_row` takes it.
    """
    k, b, s, planes = size, side, stride, len(sources)
    height, width = classes.shape
    margin = (b - factor) // 2
    reach = -(-margin // factor)
    over, lines_read = (k - s) // 2, s * (_ROWS - 1) + k
    blocks = _COLUMNS + 2 * reach + _GROUP
    wide = s * blocks + k + 16
    tile = aligned(planes * lines_read * wide).reshape(planes, lines_read, wide)
    length = factor * (blocks + k + 16) + 2 * margin
    count = b * b if lines else b
    results = aligned(count * length).reshape(count, length)
    sums = aligned(2 * b * length).reshape(2 * b, length)
    shares = np.empty(length, np.float32)
    chosen = np.zeros(blocks, np.uint16)
    plane, row = np.int64(tile.strides[0]), np.int64(tile.strides[1])
    bank, step = np.int64(filters.ctypes.data), np.int64(results.strides[0])
    first, last = max(y0 - reach, 0), min(y1 + reach, height)
    for x0 in range(0, width, _COLUMNS):
        left, right = max(x0 - reach, 0), min(x0 + _COLUMNS + reach, width)
        begin, end = factor * x0, factor * min(x0 + _COLUMNS, width)
        skip = begin - (factor * left - margin)
        columns = right - left
        if lines:
            sums[:] = np.float32(0)
            for x in range(begin, end):
                shares[x - begin] = _share(x, factor, margin, width)
        for start in range(first, last, _ROWS):
            rows = min(_ROWS, last - start)
            for i in range(s * (rows - 1) + k):
                # Numba frees an array after its last use, and the use of an address is none.
                image, result = np.int64(tile.ctypes.data), np.int64(results.ctypes.data)
                for p in range(planes):
                    place = image + p * plane + i * row
                    place_of = s * start - over + i, s * left - over, s * (columns - 1) + k
                    read_row(sources[p], *place_of, place)
                if i < k - 1 or (i - k + 1) % s:
                    continue
                y, taps = start + (i - k + 1) // s, image + (i - k + 1) * row
                own = classes[y]
                for x in range(columns):
                    chosen[x] = own[left + x]
                chosen[columns:] = 0
                index = np.int64(chosen.ctypes.data)
                call(line, (taps, row, plane, index, bank, result, step, columns))
                if lines:
                    _add_blocks(results, b, factor, columns, sums)
                    for r in range(b - margin if y == height - 1 else factor):
                        at = factor * y - margin + r
                        if factor * y0 <= at < factor * y1:
                            share = _share(at, factor, margin, height)
                            _scale(sums[r, skip : skip + end - begin], share, shares, results[0])
                            write_row(result, end - begin, sink, at, begin)
                    for r in range(b):
                        copy(sums[r + factor], sums[r])
                else:
                    for r in range(b):
                        write_row(result + r * step, factor * columns, sink, factor * y + r, begin)
