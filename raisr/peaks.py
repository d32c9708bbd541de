"""Peaks of the histogram: none is narrower than the noise.

Edges of dense text and the dots of a dither are taken for noise wherever one looks, but paper and
ink have peaks.
"""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from raisr.constant_areas import constant_areas
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["Peak", "deviations_after", "peak_of"]

_BINS, _BELOW = 1024, 256  # of the histogram, and those below its origin
_FULL = 128  # bins in all but two hundredths of the pixels, at least, unless a bin is a gray level
_SAMPLED = 13  # pixels from one to the next, from which that is told: no period of a dither
_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50)  # of the parts of a peak, bins
_FEW = 1000  # pixels
_SHARE = 0.2  # of the pixels, that a peak has at least
_ERRORS = 2.0  # standard errors by which a peak is taken for wider than it seems
_LEAST, _MOST = 0.5, 2.0  # width of a part, of the deviation that it tells
_SPIKE = 8.0  # times what is beside it, and all but one of the other bins that are far
_SPIKES = 0.05  # of the pixels, that spikes have at least
_BESIDE, _FAR = 3, 64  # bins
_EVEN = 0.1  # of the mean of a part, that its least bin has at least, unless it has gaps
_NEAR = 32  # gray levels
_CLIPPED = 0.2  # of the pixels at or near a bound are near it, at least, if noise was clipped there
_ENOUGH = 0.1  # of the pixels at a bound have a neighbour there or near, at least
_BLOWN = 1.4  # times the pixels that noise about a bound leaves there are there at most


class Peak(NamedTuple):
    """A peak of the histogram of a channel, in gray levels.

    Attributes
    ----------
    deviation : float
        Standard deviation; infinite where there is no peak.
    place : float
        Where it is.
    """

    deviation: float
    place: float = 0.0


_NONE = Peak(np.inf)
_BOUNDS = 0.0, GRAY_LEVELS


def peak_of(channel):
    """Return the narrowest Peak of a channel, of those that have a fifth of the pixels.

    A histogram h becomes h * N(s) by white Gaussian noise of deviation s, and the second
    derivative of its logarithm is nowhere below -1 / s**2. So s is at most what three adjacent
    parts of a peak tell. Parts of two widths must agree: a histogram that was stretched in 8 bits
    has narrower teeth.

    Constant areas, as around a picture, are left out. What lies at black or white, of
    floats at the smallest or largest value, is no peak, unless it is without noise: then few pixels
    are near it.

    Parameters
    ----------
    channel : GrayImage

    Returns
    -------
    Peak
    """
    scale = _scale_of(channel)
    parts = [_living(strip, scale) for (strip,) in strips_of([channel])]
    counts, beside = (np.sum(found, axis=0) for found in zip(*parts, strict=True))
    enough = _SHARE * counts.sum()
    if counts.sum() < _FEW:
        return _NONE
    bounds = [scale.bin_of(bound) for bound in _BOUNDS]
    for bound, neighbours in zip(bounds, beside, strict=True):
        if counts[bound] >= enough and _is_clean(counts, bound, *neighbours):
            return scale.peak(0.0, bound)
    black = bounds[0]
    if channel.array.dtype.kind == "f":  # what was clipped anywhere lies at the ends
        bounds = np.flatnonzero(counts)[[0, -1]].tolist()
    low, high = bounds
    spikes = _spikes(counts, low, high, black)
    if counts[spikes].sum() >= _SPIKES * counts.sum():
        return scale.peak(0.0, spikes[np.argmax(counts[spikes])])
    found = [_narrowest(counts, bounds, width, enough) for width in _WIDTHS]
    return scale.peak(*min(max(pair) for pair in pairwise(found)))


class _Scale(NamedTuple):
    """Where the bins of a histogram lie, in gray levels."""

    origin: float
    unit: float

    def bin_of(self, values):
        bins = np.rint((values - self.origin) / self.unit) + _BELOW
        return np.clip(bins, 0, _BINS - 1).astype(np.int16)

    def peak(self, deviation, place):
        return Peak(float(deviation * self.unit), float(self.origin + (place - _BELOW) * self.unit))


def _scale_of(channel):
    """Return bins of a gray level; of smaller ones where nearly all pixels lie in few levels.

    Each of these holds as many values as any other, if there are few: else, it had teeth.
    """
    if channel.array.dtype.kind == "u" and channel.factor >= 1:
        return _Scale(0.0, 1.0)
    pixels = channel.array.reshape(1, -1)[:, ::_SAMPLED]
    sample = replace(channel, array=pixels).levelled().plane().ravel()
    low, high = np.quantile(sample, (0.01, 0.99), method="nearest").tolist()
    quantum = _quantum(channel, np.unique(sample).astype(np.float64))
    unit = max(quantum, (high - low) / _FULL)
    if not 0 < unit < 1:
        return _Scale(0.0, 1.0)
    if quantum > 0:
        count = int(unit / quantum * (1 + 1e-6))
        low, unit = low + (count - 1) / 2 * quantum, count * quantum
    return _Scale(low, unit)


def _quantum(channel, values):
    """Return the step between values, in gray levels."""
    steps = np.diff(values)
    if not steps.size:
        return 0.0
    if channel.array.dtype.kind == "u":
        return channel.factor * int(np.gcd.reduce(np.rint(steps / channel.factor).astype(int)))
    spread = values[-1] - values[0]
    return float(spread / np.rint(spread / np.quantile(steps, 0.5, method="lower")))


def _living(channel, scale):
    """Return counts of the pixels outside of constant areas, and what is beside the bounds.

    Of the neighbours of pixels at black, and at white, that is how many are there, near it, and
    far from it.
    """
    living = ~constant_areas(channel.array)
    plane = channel.levelled().plane()
    beside = []
    for bound in _BOUNDS:
        at_bound = living[:, :-1] & (plane[:, :-1] == bound)
        away = np.abs(plane[:, 1:][at_bound] - bound)
        same, near = np.sum(away == 0), np.sum(away <= _NEAR)
        beside.append((same, near - same, np.sum(away > 2 * _NEAR)))
    return np.bincount(scale.bin_of(plane[living]), minlength=_BINS), np.array(beside)


def _is_clean(counts, bound, same, near, far):
    """Whether pixels at a bound are without noise, as neighbours of such tell, or all pixels."""
    if same + near < _ENOUGH * counts[bound]:  # as in a chessboard
        same = counts[bound]
        near = counts[max(0, bound - _NEAR) : bound + _NEAR + 1].sum() - same
        far = counts.sum() - same - near
    return near < far and near <= _CLIPPED * (same + near)


def _spikes(counts, low, high, black):
    """Return the bins between bounds that stand alone; those of scaled counts of photons do not."""
    inner, padded = np.arange(low + 1, high), np.pad(counts, _FAR)
    inner = inner[inner != black]  # no photon at all is no spike
    near, every = (
        np.array([padded[inner + _FAR + step] for step in range(-reach, reach + 1)])
        for reach in (_BESIDE, _FAR)
    )
    alone = counts[inner] > _SPIKE * (np.sort(near, axis=0)[-2] + 1)
    alone &= np.sort(every, axis=0)[-3] < counts[inner] / _SPIKE
    return inner[alone]


def _narrowest(counts, bounds, width, enough):
    """Return the narrowest Peak of enough pixels that parts of a width tell; places are bins."""
    sums = np.concatenate([[0.0], np.cumsum(counts)])
    first, last = bounds[0] + 1, bounds[1] - width  # where parts between bounds may start
    if last < first:
        return _NONE
    starts = np.arange(first, last + 1)
    middle = int(starts[np.argmax(sums[starts + width] - sums[starts])])
    place = middle + (width - 1) / 2
    if middle < first + width:
        place = bounds[0]
    elif middle > last - width:
        place = bounds[1]
    found = []
    shifts = (-width, 0, width) if _has_no_gap(counts[middle : middle + width]) else ()
    for start in (middle + shift for shift in shifts):
        start = min(max(start, first + width), last - width)
        three = np.diff(sums[start + width * np.arange(-1, 3)]) + 1
        bend = np.log(three) @ (-1, 2, -1) - _ERRORS * np.sqrt(np.square((1, 2, 1)) @ (1 / three))
        found.append((place, _deviation(width, width**2, bend)))
    found += [
        (bound, _clipped(inwards, width))
        for bound, inwards in zip(
            bounds, (counts[bounds[0] :], counts[bounds[1] :: -1]), strict=True
        )
    ]
    wide = [peak for peak in found if _mass(sums, *peak) >= enough]
    return min(((deviation, place) for place, deviation in wide), default=_NONE)


def _clipped(counts, width):
    """Return the deviation of noise that was clipped at its mean; counts go inwards from there."""
    from scipy.special import ndtr

    two = np.array([counts[1 : 1 + width].sum(), counts[1 + width : 1 + 2 * width].sum()]) + 1.0
    bend = np.log(two) @ (1, -1) - _ERRORS * np.sqrt(np.sum(1 / two))
    deviation = _deviation(width, width * (1 + 2 * width) / 2, bend)
    if not (0 < deviation < np.inf and _has_no_gap(counts[1 : 1 + width])):
        return np.inf
    near = max(1, round(deviation))
    at_bound, within = ndtr((0.5 / deviation, (near + 0.5) / deviation))
    clipped = counts[1 : 1 + near].sum() * at_bound / (within - at_bound)
    return deviation if counts[0] <= _BLOWN * clipped else np.inf


def _has_no_gap(counts):
    """Whether counts are of values that all occur; of few photons, many lie between two counts."""
    return bool(counts.min() >= _EVEN * counts.mean())


def _deviation(width, area, bend):
    """Return the deviation that a bend of the logarithm over parts tells; infinite if it cannot."""
    if bend <= 0:
        return np.inf
    deviation = np.sqrt(area / bend)
    if deviation > width / _LEAST or (width > 1 and deviation < width / _MOST):
        return np.inf
    return float(np.sqrt(max(deviation**2 - width**2 / 12, 0)))


def _mass(sums, place, deviation):
    """Return the pixels within two deviations of a place."""
    if not np.isfinite(deviation):
        return 0
    low, high = place - 2 * deviation, place + 2 * deviation
    return sums[min(int(high) + 2, _BINS)] - sums[max(int(low), 0)]


def deviations_after(matrix, channels, peaks):
    """Return the deviations that noise has at most after a matrix over channels, (rows,).

    How much of it the channels share, the pixels tell that lie in all of their peaks.

    Parameters
    ----------
    matrix : (rows, channels) array
    channels : list of GrayImage
    peaks : list of Peak
        One of each channel.
    """
    deviations = np.array([peak.deviation for peak in peaks])
    if not np.isfinite(deviations).all():
        return np.full(len(matrix), np.inf)
    shared = np.eye(len(channels))
    if deviations.all():
        inside = np.concatenate([_inside(strip, peaks) for strip in strips_of(channels)], axis=1)
        if inside.shape[1] >= _FEW:
            shared = np.corrcoef(inside)
    covariance = deviations[:, None] * shared * deviations
    return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", matrix, covariance, matrix), 0.0))


def _inside(channels, peaks):
    """Return the pixels that lie in the peaks of all channels, at no bound, (channels, pixels)."""
    planes, kept = [], np.ones(channels[0].shape, bool)
    for channel, peak in zip(channels, peaks, strict=True):
        plane = channel.levelled().plane()
        kept &= np.abs(plane - peak.place) <= 2 * peak.deviation
        if channel.array.dtype.kind == "u":
            kept &= (plane > 0) & (plane < GRAY_LEVELS)
        planes.append(plane)
    return np.stack([plane[kept] for plane in planes])
