"""Statistics that tell where on the profile of an edge each pixel lies, and classes of them."""

import numpy as np

from raisr._simd_hash import LANES
from raisr.kernels import kernel
from raisr.kernels.hash import hash_rows
from raisr.kernels.measures import profile_measures
from raisr.kernels.memory import aligned, shorts_at
from raisr.kernels.micro import profile_row
from raisr.kernels.pixels import read_row

__all__ = ["profile_rows", "statistics_rows"]

_ROWS = 16  # whose tensor stays in the cache


@kernel
def statistics_rows(tensor, tile, norm, out):
    """Write strength, anisotropy, position and focus, all squared, of some rows.

    Parameters
    ----------
    tensor : (3, rows, W) float32
        As `raisr.hashing.tensor_rows` gives it.
    tile : (rows + 2, W + 2) float32
        The rows' pixels in gray levels and those around.
    norm : float32
        Factor from the tensor to mean products of central differences.
    out : (4, rows, W) float32
        See `raisr.profiles.ProfileSpec`.
    """
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            around = tile[y : y + 3, x : x + 3]
            rr, rc, cc = tensor[0, y, x], tensor[1, y, x], tensor[2, y, x]
            _, _, parts, wholes = profile_measures(rr, rc, cc, norm, around)
            for index in range(4):
                out[index, y, x] = parts[index] / wholes[index]


@kernel
def profile_rows(source, tensor_of, norm, edges, counts, y0, grid, classes):
    """Write the classes of some rows: each measure is cut at its edges, the first counts most.

    Parameters
    ----------
    source : tuple
    tensor_of : tuple
        What `raisr.kernels.hash.hash_rows` takes between the source and the result.
    norm : float32
        As of `statistics_rows`.
    edges : (n,) float32
        Of a quadrant of the circle, then of the measures, ascending, one after the other.
    counts : UniTuple(int64, 5)
        Numbers of edges of each.
    y0 : int64
        First of the rows of classes.
    grid : (step, first)
        Classes are of every step-th pixel down and across, from the first on.
    classes : (rows, columns) uint16
    """
    height, width, (step_of, start) = classes.shape[0], source[2], grid
    most = max(_ROWS // step_of, 1)
    vectors = -(-width // LANES)
    found = aligned(vectors * LANES // 2)
    length = vectors * LANES
    tensor = aligned(3 * _ROWS * length).reshape(3, _ROWS, length)
    tile = aligned((_ROWS + 2) * (length + 2)).reshape(_ROWS + 2, length + 2)
    channel, step = np.int64(tensor.strides[0]), np.int64(tensor.strides[1])
    line = np.int64(tile.strides[0])
    for top in range(0, height, most):
        rows = min(most, height - top)
        seen = step_of * (rows - 1) + 1
        # Numba frees an array after its last use, and the use of an address is none.
        sums, pixels = np.int64(tensor.ctypes.data), np.int64(tile.ctypes.data)
        place, limits = np.int64(found.ctypes.data), np.int64(edges.ctypes.data)
        first = step_of * (y0 + top) + start
        hash_rows(source, *tensor_of, (sums, step, channel, 0), first, first + seen)
        for i in range(seen + 2):
            read_row(source, first - 1 + i, np.int64(-1), width + 2, pixels + i * line)
        for i in range(rows):
            at, around = sums + step_of * i * step, pixels + step_of * i * line
            profile_row(at, channel, around, line, norm, limits, counts, place, vectors)
            chosen, row = shorts_at(place, width), classes[top + i]
            for x in range(row.size):
                row[x] = chosen[start + step_of * x]
