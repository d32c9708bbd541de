"""Differences of neighbouring pixels: noise leaves few of them alike, text and drawings most."""

import numpy as np

from raisr.constant_areas import constant_areas
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["are_exact"]

_SAMPLED = 13  # pixels from one to the next of those that tell which values there are
_LEVELS = 256  # parts of the range of the values; no difference that counts is smaller
_NEAR = 5  # steps between values: how far differences are looked at
_ERRORS = 2.0  # standard errors by which zero is taken for rarer than it seems
_LEAST = 0.5  # of a step: noise of less is none
_TWO = 2  # values


def are_exact(channels):
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

    Returns
    -------
    bool
    """
    strips = [_living(strip) for strip in strips_of(channels)]
    scales = [_scale_of(index, channel, strips) for index, channel in enumerate(channels)]
    kept = [index for index, scale in enumerate(scales) if scale is not None]
    if not kept:
        return True
    counts = np.zeros(_NEAR + 1, int)
    for strip in strips:
        counts += _counts([(*strip[index], *scales[index]) for index in kept])
    zero, other = counts[0] + 1.0, counts[1:].max() / 2 + 1.0
    excess = np.log(zero / other) - _ERRORS * np.sqrt(1 / zero + 1 / other)
    return bool(excess > 1 / (2 * 2 * _LEAST**2))


def _living(channels):
    """Return each channel in gray levels, and where it is not constant."""
    return [(each.levelled().plane(), ~constant_areas(each.array)) for each in channels]


def _scale_of(index, channel, strips):
    """Return the step between values of a channel, and its ends; None for at most two values."""
    values = np.concatenate([strip[index][0][strip[index][1]] for strip in strips])
    known = np.unique(values[::_SAMPLED])
    if known.size <= _TWO:
        known = np.unique(values)
    if known.size <= _TWO:
        return None
    step = max(float(np.median(np.diff(known))), float(known[-1] - known[0]) / _LEVELS)
    ends = (0.0, GRAY_LEVELS)
    if channel.array.dtype.kind == "f":  # what was clipped anywhere lies at the ends
        ends = (float(values.min()), float(values.max()))
    return step, ends


def _counts(channels):
    """Return how often neighbours differ by 0, 1, 2... steps, in either direction.

    Of several channels, that is the largest difference.
    """
    found = np.zeros(_NEAR + 1, int)
    for turn in (np.asarray, np.transpose):
        most, living, told = 0, False, False
        for plane, alive, step, ends in channels:
            first, second = turn(plane)[1:], turn(plane)[:-1]
            both = turn(alive)[1:] & turn(alive)[:-1]
            most = np.maximum(most, np.rint(np.abs(first - second) / step))
            living |= both
            told |= both & ~((first == second) & np.isin(first, ends))
        steps = most[living & (told | (most > 0)) & (most <= _NEAR)]
        found += np.bincount(steps.astype(int), minlength=_NEAR + 1)
    return found
