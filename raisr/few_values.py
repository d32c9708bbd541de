"""Images of few values, such as dithers: a histogram tells which of them a noisy pixel had."""

import numpy as np

from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["all_values_told", "values_told"]

_STEPS = 3  # bins in a standard deviation of the noise, where values are no whole numbers
_MOST = 1024  # bins
_ROUNDS = (30, 370)  # of the deconvolution
_NOTHING = 1e-20  # of the pixels
_LEFT = (0.3, 0.06)  # of the variance of the noise, at most, after these; filters leave more
_SAMPLED = 13  # pixels from one to the next of those that are looked at first: no period of dithers
_SMOOTH = 1.0  # deviations of the noise
_INFORMATION = 0.8  # of that of noise
_SPREAD = 3.0  # standard deviations of the noise, that values spread at least
_LEAST = 0.5  # of that, as a variance, an image has at least, whose noise may have been clipped


def all_values_told(channels, levels):
    """Return what `values_told` returns of each channel with its level; None where one tells none.

    Without noise nothing is told.
    """
    pairs = zip(channels, levels, strict=True)
    tables = [level > 0 and values_told(channel, level) for channel, level in pairs]
    return tables if all(tables) else None


def values_told(channel, level):
    """Return what each value of a noisy channel was before, if that is known nearly exactly.

    The histogram of an image with white Gaussian noise is that of the image, convolved with the
    noise: deconvolved by expectation and maximisation, it is the prior by which a pixel tells its
    mean before the noise. In a photograph that mean is hardly nearer than the pixel; in an image of
    few values, far apart, it is one of them.

    Parameters
    ----------
    channel : GrayImage
    level : float
        Standard deviation of the noise, gray levels.

    Returns
    -------
    (values, means) : two float64 arrays, or None
        Gray levels, in rising order; None where more than a little of the noise would be left, or
        all values are nearly the same: then what differs may be faint.

    References
    ----------
    Robbins, "An empirical Bayes approach to statistics", Berkeley Symposium 1956. Richardson,
    "Bayesian-based iterative method of image restoration", JOSA 1972.
    """
    planes = [strip.levelled().plane() for (strip,) in strips_of([channel])]
    whole = channel.array.dtype.kind == "u"
    low, high = (0.0, GRAY_LEVELS) if whole else _ends(planes)
    unit = 1.0 if whole else level / _STEPS
    if level * _STEPS < unit or not unit <= high - low < _MOST * unit:
        return None
    values = low + unit * np.arange(round((high - low) / unit) + 1)
    if not _may_be_few(_counts(planes, values, _SAMPLED), level / unit):
        return None
    counts = _counts(planes, values)
    if _variance(counts, values) < _LEAST * (_SPREAD * level) ** 2:
        return None
    likely = _likelihood(values, level)
    prior = np.full(len(values), 1 / len(values))
    for rounds, most in zip(_ROUNDS, _LEFT, strict=True):
        prior = _deconvolved(prior, counts / counts.sum(), likely, rounds)
        shown = np.maximum(likely @ prior, _NOTHING)
        means = likely @ (prior * values) / shown
        if prior @ values**2 - shown @ means**2 > most * level**2:
            return None
    told = _variance(prior, values) >= (_SPREAD * level) ** 2
    return (values, means) if told else None


def _ends(planes):
    """Return the least and the largest value; in float64, which holds how far they are apart."""
    return float(min(map(np.min, planes))), float(max(map(np.max, planes)))


def _variance(weights, values):
    shares = weights / weights.sum()
    return shares @ (values - shares @ values) ** 2


def _counts(planes, values, step=1):
    """Return how many of each so many pixels have each value."""
    unit, counts = values[1] - values[0], np.zeros(len(values))
    for plane in planes:
        places = np.rint((plane.ravel()[::step] - values[0]) / unit).astype(np.intp)
        counts += np.bincount(places.clip(0, len(values) - 1), minlength=len(values))
    return counts


def _may_be_few(counts, deviation):
    """Whether a histogram has nearly the Fisher information of noise alone, after some smoothing.

    The noise's deviation is in bins.
    """
    reach = int(np.ceil(3 * _SMOOTH * deviation))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / 2 / (_SMOOTH * deviation) ** 2)
    smooth = np.convolve(counts, kernel)
    smooth /= smooth.sum()
    means = np.maximum(smooth[1:] + smooth[:-1], _NOTHING) / 2
    information = np.sum(np.diff(smooth) ** 2 / means)
    return information * (1 + _SMOOTH**2) * deviation**2 > _INFORMATION


def _likelihood(values, level):
    """Return how likely each value is shown, (shown, value); what lies beyond the ends is there."""
    from scipy.sparse import csr_array
    from scipy.special import ndtr

    edges = np.concatenate([[-np.inf], (values[:-1] + values[1:]) / 2, [np.inf]])
    found = np.diff(ndtr((edges[:, None] - values) / level), axis=0)
    return csr_array(np.where(found > _NOTHING, found, 0))


def _deconvolved(prior, shown, likely, rounds):
    """Return the histogram that is more likely behind what is shown, after some rounds."""
    back = likely.T.tocsr()
    for _ in range(rounds):
        prior = prior * (back @ (shown / np.maximum(likely @ prior, _NOTHING)))
        prior[prior < _NOTHING] = 0
    return prior
