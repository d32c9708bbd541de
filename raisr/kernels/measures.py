"""Measures of one pixel that tell where on the profile of an edge it lies."""

import numpy as np
from numba import njit

__all__ = ["profile_measures"]

_TINY = np.float32(1e-6)  # gray levels squared: nothing is there


@njit
def profile_measures(vv, uv, uu, norm, around):
    """Return the vector (a, b) of a pixel's direction, and its measures as fractions.

    Parameters
    ----------
    vv, uv, uu : float32
        Structure tensor; u along the columns, v along the rows.
    norm : float32
        Factor from the tensor to mean products of central differences.
    around : (3, 3) float32
        Pixels in gray levels.

    Returns
    -------
    a, b : float32
        Along the dominant gradient, to where the magnitude of the slope grows; not short.
    parts, wholes : UniTuple(float32, 4)
        Numerators and denominators of strength, anisotropy, position and focus, all squared.
    """
    half, zero, one, two = np.float32(0.5), np.float32(0), np.float32(1), np.float32(2)
    vv, uv, uu, middle = vv * norm, uv * norm, uu * norm, around[1, 1]
    du, dv = (around[1, 2] - around[1, 0]) * half, (around[2, 1] - around[0, 1]) * half
    duu = around[1, 0] + around[1, 2] - two * middle
    dvv = around[0, 1] + around[2, 1] - two * middle
    duv = (around[2, 2] - around[2, 0] + around[0, 0] - around[0, 2]) * half * half
    trace, difference, crossed = uu + vv, uu - vv, two * uv
    spread = np.sqrt(difference * difference + crossed * crossed)
    largest = (trace + spread) * half
    cosine = difference / spread if spread > _TINY else one
    sine = crossed / spread if spread > _TINY else zero
    # The dominant gradient's line, as a vector that is not short.
    steep = cosine < zero
    a = sine if steep else one + cosine
    b = one - cosine if steep else sine
    slope = a * du + b * dv
    bend = (duu * (one + cosine) + two * duv * sine + dvv * (one - cosine)) * half
    length = a * a + b * b
    if (slope < zero) != (bend < zero):
        a, b = -a, -b
    return (
        a,
        b,
        (largest, spread, bend * bend, slope * slope),
        (one, trace + _TINY, largest + _TINY, length * largest + _TINY),
    )
