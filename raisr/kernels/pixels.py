"""Pixels of any type and memory layout, read as and written from float32 gray levels.

An image is described by numbers alone, so that a kernel is compiled once for all of them.
"""

import functools

import numpy as np
from numba import njit, types

from raisr._simd_bytes import GROUP
from raisr.kernels import kernel, outlined, subkernel, variant
from raisr.kernels.calls import address_of, call
from raisr.kernels.memory import bytes_at, doubles_at, floats_at, shorts_at
from raisr.kernels.micro import join_bytes, prefetch, split_bytes

__all__ = ["read_row", "read_tile", "sink_at", "source_at", "write_row", "write_rows"]

_KINDS = {"B": 0, "H": 1, "e": 2, "f": 3, "d": 4}
"""Number of each type that can be read, by its character; all but float16 can be written."""

_PLACE = [types.int64] * 4
_READS = types.none(*[types.int64] * 6, types.float64, *_PLACE)
_WRITES = types.none(*[types.int64] * 4, types.float64, *_PLACE)

_AHEAD = 2
_CACHE_LINE = 64  # bytes


@njit
def _as_is(pixel):
    return np.float32(pixel)


@njit
def _half(bits):
    """Value of a finite float16, without the conversion that some processors lack."""
    magnitude = np.int32(bits & 0x7FFF)
    normal = np.int32((magnitude << 13) + (112 << 23)).view(np.float32)
    small = np.float32(magnitude) * np.float32(2.0**-24)
    value = small if magnitude < 0x400 else normal
    return -value if bits & 0x8000 else value


def _reader(name, pixels_at, size, convert):
    def read(address, step, factor, out, n):  # compiled
        levels = floats_at(out, n)
        if step == size:
            pixels = pixels_at(address, n)
            for i in range(n):
                levels[i] = convert(pixels[i]) * factor
        else:
            for i in range(n):
                levels[i] = convert(pixels_at(address + i * step, 1)[0]) * factor

    return variant(read, name)


_read_bytes = _reader("_read_bytes", bytes_at, 1, _as_is)
_read_shorts = _reader("_read_shorts", shorts_at, 2, _as_is)
_read_halves = _reader("_read_halves", shorts_at, 2, _half)
_read_floats = _reader("_read_floats", floats_at, 4, _as_is)
_read_doubles = _reader("_read_doubles", doubles_at, 8, _as_is)


@subkernel
def _read_thirds(address, factor, out, n):
    """Read every third byte: nothing behind the last."""
    groups = max(n - 1, 0) // GROUP
    split_bytes(address, factor, out, groups)
    done = GROUP * groups
    _read_bytes(address + 3 * done, 3, factor, out + 4 * done, n - done)


@subkernel
def _read(kind, address, step, factor, out, n):
    if kind == 0 and step == 3:
        _read_thirds(address, factor, out, n)
    elif kind == 0:
        _read_bytes(address, step, factor, out, n)
    elif kind == 1:
        _read_shorts(address, step, factor, out, n)
    elif kind == 2:
        _read_halves(address, step, factor, out, n)
    elif kind == 3:
        _read_floats(address, step, factor, out, n)
    else:
        _read_doubles(address, step, factor, out, n)


@subkernel
def _mirrored(i, length):
    """Pixel that lies at `i` when the image goes on mirrored about its outermost pixels."""
    if 0 <= i < length:
        return i
    if length == 1:
        return 0
    i = abs(i) % (2 * length - 2)
    return i if i < length else 2 * length - 2 - i


@subkernel
def _prefetch(address, step, n):
    """Ask for pixels, unless each lies in a line of its own, as in a transposed image."""
    if step <= _CACHE_LINE:
        prefetch(address, n * step)


@outlined
def _read_row(address, height, width, row, step, kind, unit, y, x0, n, out):
    factor = np.float32(unit)
    line = address + _mirrored(y, height) * row
    first = min(max(-x0, 0), n)
    last = max(min(width - x0, n), first)
    _read(kind, line + (x0 + first) * step, step, factor, out + 4 * first, last - first)
    # Rows of narrow strips are too far apart for a processor to foresee the next.
    _prefetch(line + (x0 + first) * step + _AHEAD * row, step, last - first)
    levels = floats_at(out, n)
    for i in range(n - last + first):
        place = i if i < first else i - first + last
        column = _mirrored(x0 + place, width)
        if first <= column - x0 < last:
            levels[place] = levels[column - x0]
        else:
            _read(kind, line + column * step, step, factor, out + 4 * place, np.int64(1))


@functools.cache
def _reader():
    return address_of(_read_row, _READS)


def source_at(address, shape, strides, dtype, factor):
    """Return pixels as `read_row` takes them.

    Parameters
    ----------
    address : int
        Of the first pixel.
    shape, strides : (int, int)
        Strides are bytes from row to row and from pixel to pixel.
    dtype : dtype
        uint8, uint16, float16, float32 or float64.
    factor : float
        Gray levels of one unit.

    Returns
    -------
    (address, height, width, row, step, kind, factor, reader)
    """
    return (address, *shape, *strides, _KINDS[dtype.char], float(factor), _reader())


@kernel
def read_row(source, y, x0, n, out):
    """Read pixels `x0` to ``x0 + n - 1`` of row `y`.

    Parameters
    ----------
    source : tuple
        See `source_at`.
    y, x0 : int64
        May lie outside of the image, which is mirrored about its outermost pixels (a single row or
        column is repeated).
    n : int64
    out : int64
        Address of `n` float32 gray levels.
    """
    call(source[-1], source[:-1] + (y, x0, n, out))  # noqa: RUF005 (Numba knows no other)


@kernel
def read_tile(source, y0, x0, black, out):
    """Read the pixels from row `y0`, column `x0` on, less `black`, to `out`, (h, w) float32."""
    for i in range(out.shape[0]):
        row = out[i]
        read_row(source, y0 + i, x0, row.size, np.int64(row.ctypes.data))
        for x in range(row.size):
            row[x] -= black


def _writer(name, pixels_at, size, number, top):
    def write(levels, n, factor, address, step):  # compiled
        values = floats_at(levels, n)
        if step == size:
            pixels = pixels_at(address, n)
            for i in range(n):
                pixels[i] = number(_rounded(values[i] * factor, top))
        else:
            for i in range(n):
                pixels_at(address + i * step, 1)[0] = number(_rounded(values[i] * factor, top))

    return variant(write, name)


@njit
def _rounded(value, top):
    """Whole number of 0 to `top`, halves to even; any number where `top` is 0."""
    if top == 0:
        return value
    return min(max(np.rint(value), np.float32(0)), np.float32(top))


_write_bytes = _writer("_write_bytes", bytes_at, 1, np.uint8, 255)
_write_shorts = _writer("_write_shorts", shorts_at, 2, np.uint16, 65535)
_write_floats = _writer("_write_floats", floats_at, 4, np.float32, 0)
_write_doubles = _writer("_write_doubles", doubles_at, 8, np.float64, 0)


@outlined
def _write_row(address, row, step, kind, unit, y, x0, n, levels):
    factor = np.float32(unit)
    place = address + y * row + x0 * step
    _prefetch(place + row, step, n)
    if kind == 0:
        _write_bytes(levels, n, factor, place, step)
    elif kind == 1:
        _write_shorts(levels, n, factor, place, step)
    elif kind == 3:
        _write_floats(levels, n, factor, place, step)
    else:
        _write_doubles(levels, n, factor, place, step)


@functools.cache
def _writer():
    return address_of(_write_row, _WRITES)


def sink_at(address, strides, dtype, factor):
    """Return pixels as `write_row` takes them: as `source_at`, with units of one gray level.

    Returns
    -------
    (address, row, step, kind, factor, writer)
    """
    return (address, *strides, _KINDS[dtype.char], float(factor), _writer())


@kernel
def write_row(levels, n, sink, y, x0):
    """Write gray levels to the pixels `x0` to ``x0 + n - 1`` of row `y`.

    Integers are rounded to nearest (halves to even) and clipped to the type's range.

    Parameters
    ----------
    levels : int64
        Address of `n` float32.
    sink : tuple
        See `sink_at`.
    """
    call(sink[-1], sink[:-1] + (y, x0, n, levels))  # noqa: RUF005 (Numba knows no other)


@kernel
def write_rows(levels, n, sinks, y, x0):
    """Write a row of several channels, (channels, n) float32, as `write_row` does."""
    done, (address, row, step, kind, unit, _) = 0, sinks[0]
    joined = len(sinks) == 3 and kind == 0 and step == 3
    for c in range(len(sinks)):
        joined = joined and sinks[c][0] == address + c
    if joined:
        place, done = address + y * row + 3 * x0, n // GROUP * GROUP
        _prefetch(place + row, step, n)
        first, line = np.int64(levels.ctypes.data), np.int64(levels.strides[0])
        factor = np.float32(unit)
        join_bytes(first, first + line, first + 2 * line, factor, place, n // GROUP)
    if done < n:
        for c in range(len(sinks)):
            rest = np.int64(levels[c].ctypes.data) + 4 * done
            write_row(rest, n - done, sinks[c], y, x0 + done)
