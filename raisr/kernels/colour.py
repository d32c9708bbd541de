"""The opponent transform, row by row, between images of any type and memory layout.

Differences are taken before anything is multiplied: equal channels give a chroma of exactly 0,
and a chroma of 0 gives equal channels.
"""

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.memory import aligned, floats_at
from raisr.kernels.pixels import read_row, write_row, write_rows

__all__ = ["from_opponent_rows", "to_opponent_rows"]

_COLUMNS = 512
_THIRD = np.float32(1 / 3)
_HALF = np.float32(2**-0.5)
_SIXTH = np.float32(6**-0.5)


@subkernel
def _to_opponent(line, n):
    first, second, third = floats_at(line[0], n), floats_at(line[1], n), floats_at(line[2], n)
    for x in range(n):
        r, g, b = first[x], second[x], third[x]
        first[x] = (r + g + b) * _THIRD
        second[x] = (r - b) * _HALF
        third[x] = ((r - g) + (b - g)) * _SIXTH


@subkernel
def _from_opponent(line, n):
    first, second, third = floats_at(line[0], n), floats_at(line[1], n), floats_at(line[2], n)
    for x in range(n):
        luma, wide, narrow = first[x], second[x] * _HALF, third[x] * _SIXTH
        first[x] = luma + (narrow + wide)
        second[x] = luma - (narrow + narrow)
        third[x] = luma + (narrow - wide)


@subkernel
def _line():
    """Scratch for three rows: the memory, and the address of each."""
    memory = aligned(3 * _COLUMNS).reshape(3, _COLUMNS)
    address = np.int64(memory.ctypes.data)
    return memory, (address, address + 4 * _COLUMNS, address + 8 * _COLUMNS)


@kernel
def to_opponent_rows(sources, sinks, y0, y1):
    """Turn rows `y0` to `y1` of red, green and blue to luma and two planes of chroma.

    Parameters
    ----------
    sources, sinks : tuple of three tuples
        See `raisr.kernels.pixels.read_row` and `write_row`.
    """
    memory, line = _line()
    width = sources[0][2]
    for y in range(y0, y1):
        for x0 in range(0, width, _COLUMNS):
            n = min(_COLUMNS, width - x0)
            for c in range(3):
                read_row(sources[c], y, x0, n, line[c])
            _to_opponent(line, n)
            for c in range(3):
                write_row(line[c], n, sinks[c], y, x0)
    return memory[0, 0]  # keeps the scratch alive


@subkernel
def _keep_near(line, given, most, n):
    """Keep each plane within `most` of what is given."""
    for c in range(3):
        values, near, bound = floats_at(line[c], n), floats_at(given[c], n), most[c]
        for x in range(n):
            values[x] = min(max(values[x], near[x] - bound), near[x] + bound)


@kernel
def from_opponent_rows(sources, given, most, sinks, y0, y1):
    """Turn rows `y0` to `y1` of luma and chroma back to red, green and blue.

    Parameters
    ----------
    sources, given : tuple of three tuples
        Planes, and what they are made of.
    most : tuple of three float32
        By how much a pixel of each plane may differ from what is given: infinity for any.
    sinks : tuple of three tuples
    """
    memory, line = _line()
    other, before = _line()
    width = sources[0][2]
    for y in range(y0, y1):
        for x0 in range(0, width, _COLUMNS):
            n = min(_COLUMNS, width - x0)
            for c in range(3):
                read_row(sources[c], y, x0, n, line[c])
            if most[0] < np.inf:
                for c in range(3):
                    read_row(given[c], y, x0, n, before[c])
                _keep_near(line, before, most, n)
            _from_opponent(line, n)
            write_rows(memory, n, sinks, y, x0)
    return other[0, 0]  # keeps the scratch alive
