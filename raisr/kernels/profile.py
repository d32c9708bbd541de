"""Statistics that tell where on the profile of an edge each pixel lies, and classes of them."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["profile_classes", "profile_statistics"]

_TINY = np.float32(1e-6)  # gray levels squared: nothing is there


@kernel
def profile_statistics(tensor, tile, norm, out):
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
    for x in range(out.shape[1]):
        # Along the columns (u) and rows (v); tensor: rows first.
        vv, uv, uu = tensor[0, x] * norm, tensor[1, x] * norm, tensor[2, x] * norm
        middle, left, right = tile[1, x + 1], tile[1, x], tile[1, x + 2]
        above, below = tile[0, x + 1], tile[2, x + 1]
        du, dv = (right - left) * half, (below - above) * half
        duu, dvv = left + right - two * middle, above + below - two * middle
        duv = (tile[2, x + 2] - tile[2, x] - tile[0, x + 2] + tile[0, x]) * half * half
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
def profile_classes(statistics, edges, ends, classes):
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
    classes[:] = 0
    for index in range(ends.size):
        bins = np.uint16(ends[index] - start + (index > 0))
        for x in range(classes.size):
            classes[x] *= bins
        for place in range(start, ends[index]):
            edge = edges[place]
            for x in range(classes.size):
                classes[x] += np.uint16(statistics[index, x] >= edge)
        if index == 0:
            for x in range(classes.size):
                classes[x] = np.uint16(0) if classes[x] == bins else classes[x]
        start = ends[index]
