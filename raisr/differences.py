"""Differences of neighbouring pixels: noise leaves few of them alike, text and drawings most."""

import numpy as np

from raisr.constant_areas import constant_areas
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["is_exact"]

_SAMPLED = 13  # pixels from one to the next of those that tell which values there are
_LEVELS = 256  # parts of the range of the values; no difference that counts is smaller
_NEAR = 5  # steps between values: how far differences are looked at
_ERRORS = 2.0  # standard errors by which zero is taken for rarer than it seems
_LEAST = 0.5  # of a step: noise of less is none
_TWO = 2  # values


def is_exact(channel):
    """Return whether a channel shows what was drawn, without noise; None if nothing tells.

    White noise of deviation s makes differences of neighbours of deviation d = s * sqrt(2). Their
    histogram is that of the scene, convolved with it: no peak is narrower, so zero is at most
    exp(1 / (2 * d**2)) times as frequent as one step of the values. Paper, ink and areas of one
    colour are flat: there zero is more frequent by far.

    Constant areas are left out, and so are pairs that are both black or white, or of floats at the
    ends of the range, where noise may have been clipped.

    Parameters
    ----------
    channel : GrayImage

    Returns
    -------
    bool or None
    """
    strips = [(strip, ~constant_areas(strip.array)) for (strip,) in strips_of([channel])]
    values = np.concatenate([strip.levelled().plane()[living] for strip, living in strips])
    if values.size == 0:
        return None
    known = np.unique(values[::_SAMPLED])
    if known.size <= _TWO:
        return np.unique(values).size <= _TWO or None
    step = max(float(np.median(np.diff(known))), float(known[-1] - known[0]) / _LEVELS)
    ends = 0.0, GRAY_LEVELS
    if channel.array.dtype.kind == "f":  # what was clipped anywhere lies at the ends
        ends = float(values.min()), float(values.max())
    counts = np.sum([_counts(*strip, step, ends) for strip in strips], axis=0)
    zero, other = counts[0] + 1.0, counts[1:].max() / 2 + 1.0
    excess = np.log(zero / other) - _ERRORS * np.sqrt(1 / zero + 1 / other)
    return bool(excess > 1 / (2 * 2 * _LEAST**2))


def _counts(channel, living, step, ends):
    """Return how often neighbours differ by 0, 1, 2... steps, in either direction."""
    plane, found = channel.levelled().plane(), np.zeros(_NEAR + 1, int)
    for turned, alive in ((plane, living), (plane.T, living.T)):
        first, second = turned[1:], turned[:-1]
        kept = alive[1:] & alive[:-1] & ~((first == second) & np.isin(first, ends))
        steps = np.rint(np.abs(first - second)[kept] / step)
        found += np.bincount(steps[steps <= _NEAR].astype(int), minlength=_NEAR + 1)
    return found
