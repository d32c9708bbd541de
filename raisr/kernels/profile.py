"""Statistics that tell where on the profile of an edge each pixel lies, and classes of them."""

import numpy as np

from raisr._simd_hash import LANES
from raisr.kernels import kernel
from raisr.kernels.measures import profile_measures
from raisr.kernels.memory import aligned, shorts_at
from raisr.kernels.micro import profile_row

__all__ = ["profile_rows", "statistics_rows"]


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
def profile_rows(tensor, tile, norm, edges, counts, classes):
    """Write the classes of some rows: each measure is cut at its edges, the first counts most.

    Parameters
    ----------
    tensor, tile, norm
        As of `statistics_rows`; rows of both are followed by room for `LANES` more.
    edges : (n,) float32
        Of a quadrant of the circle, then of the measures, ascending, one after the other.
    counts : UniTuple(int64, 5)
        Numbers of edges of each.
    classes : (rows, W) uint16
    """
    rows, width = classes.shape
    vectors = -(-width // LANES)
    found = aligned(vectors * LANES // 2)
    channel, line = np.int64(tensor.strides[0]), np.int64(tile.strides[0])
    for y in range(rows):
        # Numba frees an array after its last use, and the use of an address is none.
        place, limits = np.int64(found.ctypes.data), np.int64(edges.ctypes.data)
        sums = np.int64(tensor.ctypes.data) + y * np.int64(tensor.strides[1])
        pixels = np.int64(tile.ctypes.data) + y * line
        profile_row(sums, channel, pixels, line, norm, limits, counts, place, vectors)
        chosen, row = shorts_at(place, width), classes[y]
        for x in range(width):
            row[x] = chosen[x]
