"""Statistics that tell where on the profile of an edge each pixel lies, and classes of them."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["profile_rows", "statistics_rows"]

_TINY = np.float32(1e-6)  # gray levels squared: nothing is there


@kernel
def _statistics(tensor, tile, norm, out):
    """Write the statistics of one row, (5, W) float32; see `raisr.profiles.ProfileSpec`.

    Parameters
    ----------
    tensor : (3, W) float32
        As `raisr.hashing.tensor_rows` gives it.
    tile : (3, W + 2) float32
        The row's pixels in gray levels and those around.
    norm : float32
        Factor from the tensor to mean products of central differences.
    out : (5, W) float32
        Direction, a number of 0 to 4 that grows with the angle; strength, anisotropy, position
        and focus, all squared.
    """
    half, zero, one, two = np.float32(0.5), np.float32(0), np.float32(1), np.float32(2)
    above, line, below = tile[0], tile[1], tile[2]
    rows, mixed, columns = tensor[0], tensor[1], tensor[2]
    for x in range(out.shape[1]):
        # Along the columns (u) and rows (v); tensor: rows first.
        vv, uv, uu = rows[x] * norm, mixed[x] * norm, columns[x] * norm
        middle, left, right = line[x + 1], line[x], line[x + 2]
        top, bottom = above[x + 1], below[x + 1]
        du, dv = (right - left) * half, (bottom - top) * half
        duu, dvv = left + right - two * middle, top + bottom - two * middle
        duv = (below[x + 2] - below[x] - above[x + 2] + above[x]) * half * half
        trace, difference = uu + vv, uu - vv
        spread = np.sqrt(difference * difference + np.float32(4) * uv * uv)
        largest = (trace + spread) * half
        cosine = difference / spread if spread > _TINY else one
        sine = two * uv / spread if spread > _TINY else zero
        # The dominant gradient's line, as a vector that is not short.
        steep = cosine < zero
        a = sine if steep else one + cosine
        b = one - cosine if steep else sine
        slope = a * du + b * dv
        bend = duu * (one + cosine) + two * duv * sine + dvv * (one - cosine)
        bend *= half
        turned = (slope < zero) != (bend < zero)
        a = -a if turned else a
        b = -b if turned else b
        length, size = a * a + b * b, abs(a) + abs(b)
        out[0, x] = one - a / size if b >= zero else np.float32(3) + a / size
        out[1, x] = largest
        out[2, x] = spread / (trace + _TINY)
        out[3, x] = bend * bend / (largest + _TINY)
        out[4, x] = slope * slope / (length * largest + _TINY)


@kernel
def _classes(statistics, edges, ends, classes):
    """Write the classes of one row: each statistic is cut at its edges, the first counts most.

    The first is an angle: what lies beyond its last edge belongs to its first bin.

    Parameters
    ----------
    statistics : (5, W) float32
    edges : (n,) float32
        Those of each statistic, ascending, one after the other.
    ends : (5,) int64
        Where the edges of each statistic end.
    classes : (W,) uint16
    """
    start = 0
    classes[:] = np.uint16(0)
    for index in range(ends.size):
        values, end = statistics[index], ends[index]
        bins = np.uint16(end - start + (index > 0))
        for x in range(classes.size):
            classes[x] = np.uint16(classes[x] * bins)
        for place in range(start, end):
            edge = edges[place]
            for x in range(classes.size):
                above = np.uint16(1) if values[x] >= edge else np.uint16(0)
                classes[x] = np.uint16(classes[x] + above)
        if index == 0:
            for x in range(classes.size):
                classes[x] = np.uint16(0) if classes[x] == bins else classes[x]
        start = end


@kernel
def statistics_rows(tensor, tile, norm, out):
    """Write the statistics of some rows, (5, rows, W) float32; parameters as `profile_rows`."""
    for row in range(out.shape[1]):
        _statistics(tensor[:, row], tile[row : row + 3], norm, out[:, row])


@kernel
def profile_rows(tensor, tile, norm, edges, ends, classes):
    """Write the classes of some rows.

    Parameters
    ----------
    tensor : (3, rows, W) float32
        As `raisr.hashing.tensor_rows` gives it.
    tile : (rows + 2, W + 2) float32
        The rows' pixels in gray levels and those around.
    norm : float32
        Factor from the tensor to mean products of central differences.
    edges : (n,) float32
        Those of each statistic, ascending, one after the other.
    ends : (5,) int64
        Where the edges of each statistic end.
    classes : (rows, W) uint16
    """
    statistics = np.empty((5, classes.shape[1]), np.float32)
    for row in range(classes.shape[0]):
        _statistics(tensor[:, row], tile[row : row + 3], norm, statistics)
        _classes(statistics, edges, ends, classes[row])
