"""Enlarge planes by filters that are the same everywhere, first along columns, then along rows."""

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.memory import aligned
from raisr.kernels.pixels import read_row, write_rows

__all__ = ["TAPS", "cubic_rows"]

TAPS = 5
_COLUMNS = 256
_LINE = _COLUMNS + 16


@subkernel
def _combine(rows, first, weights, out):
    """Write the weighted sum of the rows of a ring, from the first on."""
    a, b, c = rows[first], rows[(first + 1) % TAPS], rows[(first + 2) % TAPS]
    d, e = rows[(first + 3) % TAPS], rows[(first + 4) % TAPS]
    v, w, x, y, z = weights[0], weights[1], weights[2], weights[3], weights[4]
    for i in range(out.size):
        out[i] = v * a[i] + w * b[i] + x * c[i] + y * d[i] + z * e[i]


@subkernel
def _correlate(line, weights, out):
    v, w, x, y, z = weights[0], weights[1], weights[2], weights[3], weights[4]
    a, b, c, d, e = line, line[1:], line[2:], line[3:], line[4:]
    for i in range(out.size):
        out[i] = v * a[i] + w * b[i] + x * c[i] + y * d[i] + z * e[i]


@subkernel
def _weave(phases, side, n, out):
    """Write the first of each phase, then the second of each, and so on."""
    for i in range(n):
        for q in range(len(side)):
            out[len(side) * i + q] = phases[q, i]


@subkernel
def _add(values, out):
    for i in range(out.size):
        out[i] += values[i]


@kernel
def cubic_rows(side, sources, down, across, base, sinks, y0, y1):
    """Enlarge rows `y0` to `y1` of some planes.

    Parameters
    ----------
    side : token
        How many times larger the results are.
    sources : tuple of tuples
        Planes, as `raisr.kernels.pixels.read_row` takes them.
    down, across : (side, TAPS) float32
        Weights of the pixels around one for each row, and each column, that it becomes.
    base : (side H, side W) float32
        Gray levels that are added to the results; empty for none.
    sinks : tuple of tuples
        Results, as `raisr.kernels.pixels.write_rows` takes them.
    """
    count, b, width, half = len(sources), len(side), sources[0][2], TAPS // 2
    rings = aligned(count * TAPS * _LINE).reshape(count, TAPS, _LINE)
    line, phases = aligned(_LINE), aligned(b * _COLUMNS).reshape(b, _COLUMNS)
    results = aligned(count * b * _COLUMNS).reshape(count, b * _COLUMNS)
    for x0 in range(0, width, _COLUMNS):
        n = min(_COLUMNS, width - x0)
        for y in range(y0 - half, y1 + half):
            for c in range(count):
                place = np.int64(rings[c, y % TAPS].ctypes.data)
                read_row(sources[c], y, x0 - half, n + TAPS - 1, place)
            middle = y - half
            if middle < y0:
                continue
            for p in range(b):
                row = b * middle + p
                for c in range(count):
                    _combine(rings[c], (y + 1) % TAPS, down[p], line[: n + TAPS - 1])
                    for q in range(b):
                        _correlate(line, across[q], phases[q, :n])
                    _weave(phases, side, n, results[c])
                    if base.size:
                        _add(base[row, b * x0 : b * (x0 + n)], results[c, : b * n])
                write_rows(results, b * n, sinks, row, b * x0)
