"""Differences of neighbouring pixels: noise leaves few of them alike, text and drawings most."""

from dataclasses import replace

import numpy as np

from raisr.blocks import in_threads
from raisr.constant_areas import constant_areas
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["are_exact"]

_SAMPLED = 13  # pixels from one to the next of those that tell which values there are
_LEVELS = 256  # parts of the range of most values; no difference that counts is smaller
_MOST = 0.05, 0.95  # of the pixels: beyond lie stars and high lights
_MANY = 1 << 18  # pixels; of more, 32 rows of 128 are looked at
_ROWS, _PERIOD = 32, 128
_NEAR = 5  # steps between values: how far differences are looked at
_ERRORS = 2.0  # standard errors by which zero is taken for rarer than it seems
_LEAST = 0.5  # of a step: noise of less is none
_TWO = 2  # values
_TINY = 1e-30  # gray levels


def are_exact(channels, num_threads=1):
    """Return whether channels show what was drawn, without noise.

    White noise of deviation s makes differences of neighbours of deviation d = s * sqrt(2). Their
    histogram is that of the scene, convolved with it: no peak is narrower, so zero is at most
    exp(1 / (2 * d**2)) times as frequent as one step of the values. Paper, ink and areas of one
    colour are flat: there zero is more frequent by far.

    Constant areas are left out, and so are pairs that are alike at black or white, or of floats at
    the ends of the range, where noise may have been clipped. Channels without any other pixel tell
    nothing; of none, nothing is noise. Two values are no noise either.

    Parameters
    ----------
    channels : list of GrayImage
    num_threads : int

    Returns
    -------
    bool
    """
    strips = in_threads(num_threads, _living, _bands(channels))
    scales = [_step_and_ends(channel, parts) for channel, parts in _by_channel(channels, strips)]
    kept = [index for index, scale in enumerate(scales) if scale is not None]
    if not kept:
        return True
    parts = [[(*strip[index], *scales[index]) for index in kept] for strip in strips]
    counts = np.sum(in_threads(num_threads, _counts, parts), axis=0)
    zero, other = counts[0] + 1.0, counts[1:].max() / 2 + 1.0
    excess = np.log(zero / other) - _ERRORS * np.sqrt(1 / zero + 1 / other)
    return bool(excess > 1 / (2 * 2 * _LEAST**2))


def _bands(channels):
    """Yield channels; of those with many pixels, some rows here and there."""
    if channels[0].array.size <= _MANY:
        yield channels
        return
    for strip in strips_of(channels):
        for start in range(0, strip[0].shape[0], _PERIOD):
            yield [replace(each, array=each.array[start : start + _ROWS]) for each in strip]


def _living(channels):
    """Return each channel in gray levels, and where it is not constant."""
    return [(each.levelled().plane(), ~constant_areas(each.array)) for each in channels]


def _by_channel(channels, strips):
    return zip(channels, zip(*strips, strict=True), strict=True)


def _step_and_ends(channel, parts):
    """Return the step between values of a channel, and its ends; None for at most two values."""
    sample = _values(parts, _SAMPLED)
    if np.unique(sample).size <= _TWO:
        sample = _values(parts, 1)
    known = np.unique(sample)
    if known.size <= _TWO:
        return None
    spread = float(np.ptp(np.quantile(sample, _MOST)))
    step = max(float(np.median(np.diff(known))), spread / _LEVELS, _TINY)
    if channel.array.dtype.kind == "u":
        return step, (0.0, GRAY_LEVELS)
    low = min(plane.min(where=living, initial=np.inf) for plane, living in parts)
    high = max(plane.max(where=living, initial=-np.inf) for plane, living in parts)
    return step, (float(low), float(high))  # what was clipped anywhere lies at the ends


def _values(parts, step):
    """Return the values of the living ones of each so many pixels."""
    found = [plane.ravel()[::step][living.ravel()[::step]] for plane, living in parts]
    return np.concatenate(found).astype(np.float64)


def _counts(channels):
    """Return how often neighbours differ by 0, 1, 2... steps, down and to the right.

    Of several channels, that is the largest difference.
    """
    found = np.zeros(_NEAR + 1, int)
    for first, second in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        most, living, told = np.zeros(1, np.float32), np.zeros(1, bool), np.zeros(1, bool)
        for plane, alive, step, (low, high) in channels:
            a, b = plane[first], plane[second]
            with np.errstate(over="ignore"):  # what is too large is far
                apart = np.abs(a - b)
                most = np.maximum(most, apart * np.float32(1 / step))
            both = alive[first] & alive[second]
            told = told | (both & ((apart > 0) | ((a != low) & (a != high))))
            living = living | both
        near = np.rint(most[living & told])
        found += np.bincount(near[near <= _NEAR].astype(np.intp), minlength=_NEAR + 1)
    return found
