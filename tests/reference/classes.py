"""Class maps: from statistics in float64, and in exact arithmetic for 8-bit images."""

from fractions import Fraction
from functools import cache

import numpy as np

from tests.reference.gradients import differences, statistics, windowed

AXES = ("orientation", "strength", "coherence")
# Doubled angles that are whole eighths of a turn, by the signs of cosine and sine.
EIGHTHS = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]


def join(bins, spec):
    """Class index of (orientation, strength, coherence) bins."""
    bins = dict(zip(AXES, bins, strict=True))
    sizes = dict(zip(AXES, spec.shape, strict=True))
    order = spec.index_order
    return np.ravel_multi_index([bins[a] for a in order], [sizes[a] for a in order])


def split(classes, spec):
    """(orientation, strength, coherence) bins of class indices: the inverse of `join`."""
    sizes = dict(zip(AXES, spec.shape, strict=True))
    found = np.unravel_index(classes, [sizes[a] for a in spec.index_order])
    bins = dict(zip(spec.index_order, found, strict=True))
    return tuple(bins[a] for a in AXES)


def class_map(image, spec, white):
    """Class of every pixel, from float64 statistics."""
    orientation, strength, coherence = statistics(image, spec, white)
    bins = (
        np.floor(orientation * spec.orientations).astype(int),
        np.searchsorted(spec.strength_edges, strength, side="right"),
        np.searchsorted(spec.coherence_edges, coherence, side="right"),
    )
    return join(bins, spec)


def near_an_edge(image, spec, white, distance=1e-5):
    """Pixels whose statistics lie within a relative distance of any edge between bins.

    The angle of a nearly isotropic tensor is known the less the smaller ``s1 - s2`` is.
    """
    orientation, strength, coherence = statistics(image, spec, white)
    anisotropy = 2 * coherence / (1 + coherence**2)  # (s1 - s2) / (s1 + s2)
    turns = np.arange(spec.orientations) / spec.orientations
    away = np.abs(np.sin(2 * np.pi * (orientation[..., None] - turns))) * anisotropy[..., None]
    near = (away < distance).any(axis=-1)
    for values, edges in ((strength, spec.strength_edges), (coherence, spec.coherence_edges)):
        gaps = np.abs(values[..., None] - np.array(edges))
        near |= (gaps <= distance * np.array(edges)).any(axis=-1)
    return near


def tensor_sums(image, spec):
    """Sums of the products of doubled differences over the box: whole numbers, (3, H, W)."""
    rows, columns = differences(np.asarray(image, np.int64), spec)
    ones = np.ones((spec.window, spec.window), np.int64)
    return np.stack([windowed(p, ones) for p in (rows**2, rows * columns, columns**2)])


def exact_class_map(image, spec, white=255):
    """Class of every pixel of an 8-bit image, box window: no rounding, so ties are ties.

    An edge written as 0.2/3 or 1/3 means that fraction.
    """
    sums = tensor_sums(image, spec)
    classes = np.empty(np.shape(image), int)
    for y, x in np.ndindex(*classes.shape):
        rows, cross, columns = (int(s) for s in sums[:, y, x])
        trace, difference, cross = rows + columns, rows - columns, 2 * cross
        # With t = trace and q = difference**2 + cross**2, the eigenvalues are (t +- sqrt(q)) / 2.
        square = difference**2 + cross**2
        bins = (
            _orientation_bin(difference, cross, spec.orientations),
            sum(_strong(trace, square, edge, spec, white) for edge in spec.strength_edges),
            sum(_coherent(trace, square, edge) for edge in spec.coherence_edges),
        )
        classes[y, x] = join(bins, spec)
    return classes


def _orientation_bin(difference, cross, count):
    if difference == 0 and cross == 0:
        return 0
    if difference == 0 or cross == 0 or abs(difference) == abs(cross):
        turn = Fraction(EIGHTHS.index((int(np.sign(difference)), int(np.sign(cross)))), 8)
    else:  # a slope that no edge other than whole eighths can have
        turn = np.arctan2(cross, difference) / (2 * np.pi) % 1
    return int(turn * count)


def _strong(trace, square, edge, spec, white):
    """``(trace + sqrt(square)) / 2``, as a mean over the window in the spec's unit, >= edge."""
    edge = _fraction(edge) ** 2 if spec.strength == "sqrt" else _fraction(edge)
    unit = _fraction(spec.strength_scale) / white
    gap = edge * 8 * spec.window**2 / unit**2 - trace
    return gap <= 0 or square >= gap**2


def _coherent(trace, square, edge):
    """``sqrt(s2 / s1) <= (1 - edge) / (1 + edge)``."""
    ratio = ((1 - _fraction(edge)) / (1 + _fraction(edge))) ** 2
    return square > 0 and square * (1 + ratio) ** 2 >= (trace * (1 - ratio)) ** 2


@cache
def _fraction(value):
    return Fraction(value).limit_denominator(10**6)
