"""The level of white noise before it was clipped at black and white."""

import numpy as np

from raisr.bends import BLOCK, tiles, whole_blocks
from raisr.block_details import is_limit
from raisr.noise_estimate import NORMAL_QUARTILE
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["is_clipped", "is_too_clipped", "level_before_clipping", "misfit_of_clipped"]

_MOST = 93.75  # gray levels
_FEW = 0.005  # of the pixels
_ENOUGH = 4096  # blocks
_ROUNDS = 12
_ALIKE, _PEAKED = 0.23, 0.23
"""Where more pixels than the first share are at one limit, the median of details tells less than
their standard deviation, by the second times the rest. From simulated noise, means of 0 to 3 sigma.
"""
_HALVINGS = 10
_TELLING = 0.3  # quantile of blocks; chosen on images of bsd400
_LEAST = 0.5


def is_clipped(channels):
    """Return whether noise of channels, a list of GrayImage, was clipped at black or white."""
    return _tells(_clipped_blocks(channels)[1])


def is_too_clipped(channels, level):
    """Return whether networks do not know what clipping left of noise of a level, gray levels."""
    return level > _MOST and is_clipped(channels)


def _tells(clipped):
    return bool(clipped.size and clipped.mean() >= _FEW)


def level_before_clipping(channels, level):
    """Return the level of white noise, of which clipping at black and white left `level`.

    What is left of it in a block follows from the mean of the block. The level of a channel is the
    median of all its details; that of three, what their chroma has in blocks of which as little as
    possible is clipped.

    Parameters
    ----------
    channels : list of one or three GrayImage
    level : float
        In gray levels, of all channels.

    Returns
    -------
    float
        At most twice the `level`.
    """
    if level <= 0:
        return level
    means, clipped = _clipped_blocks(channels)
    if not _tells(clipped):
        return level
    some, clipped = clipped.any(axis=2), clipped.any(axis=0).mean(axis=1)

    def is_below(sigma):
        share = np.where(some, _share_left(means, sigma), 1)
        left = _median_share(share[0]) if len(share) == 1 else _chroma_share(share, clipped)
        return left * sigma < level

    return _crossing(is_below, level, level / _LEAST)


def _crossing(is_below, low, high):
    """Return where `is_below` ceases to hold, between two numbers."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


def misfit_of_clipped(channels, brightness, deviation):
    """Return by how much variances differ from those of clipped white noise (logarithm).

    Infinite, where none was clipped. `deviation` is that of a channel at each `brightness`, in gray
    levels.
    """
    if not is_clipped(channels):
        return np.inf
    sigma = np.median(deviation)
    for _ in range(_ROUNDS):
        expected = _share_left(brightness, sigma)
        sigma = np.median(deviation / expected)
    rest = np.log(deviation / (sigma * expected))
    return float(2 * np.median(np.abs(rest)) / NORMAL_QUARTILE)


def _clipped_blocks(channels):
    """Return the mean of blocks that vary, (channels, blocks), and where these are at a limit."""
    strips = list(strips_of(channels))
    planes = [[tiles(part.levelled().plane(), BLOCK) for part in strip] for strip in strips]
    limits = [[tiles(is_limit(part), BLOCK) for part in strip] for strip in strips]
    blocks, clipped = np.concatenate(planes, axis=1), np.concatenate(limits, axis=1)
    lives = np.flatnonzero((blocks.max(axis=2) > blocks.min(axis=2)).all(axis=0))
    lives = lives[:: -(-len(lives) // _ENOUGH) or 1]
    return blocks[:, lives].mean(axis=2, dtype=np.float64), clipped[:, lives]


def _median_share(share):
    """Return the median of absolute normal deviates of these levels, over that of level 1."""
    from scipy.special import ndtr

    def is_below(median):
        return np.mean(2 * ndtr(NORMAL_QUARTILE * median / share) - 1) < 0.5

    return _crossing(is_below, 0.0, 1.0)


def _chroma_share(share, clipped):
    """Return what is left in chroma, of all channels alike, in blocks that are clipped so much."""
    (left,) = whole_blocks([np.stack([np.sqrt(np.mean(share**2, axis=0)), clipped])])
    return float(np.quantile(left, _TELLING))


def _share_left(means, sigma):
    """Return the level that details of clipped noise tell, over `sigma`, by its mean."""
    from scipy.special import ndtr

    # Means of blocks scatter, about those of black and white, too.
    true, white = np.linspace(-sigma, GRAY_LEVELS + sigma, 256), GRAY_LEVELS
    ends = -true / sigma, (white - true) / sigma
    dark, bright = (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) for z in ends)
    below, inside = ndtr(ends[0]), ndtr(ends[1]) - ndtr(ends[0])
    above = 1 - below - inside
    mean = white * above + true * inside + sigma * (dark - bright)
    square = white**2 * above + (true**2 + sigma**2) * inside
    square += sigma * (true * dark - (true + white) * bright)
    share = np.sqrt(np.maximum(square - mean**2, 0)) / sigma
    alike = np.maximum(np.maximum(below, above) - _ALIKE, 0)
    return np.interp(means, mean, share - _PEAKED * alike)
