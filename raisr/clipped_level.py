"""The level of white noise before it was clipped at black and white."""

import numpy as np

from raisr.bends import BLOCK, tiles, whole_blocks
from raisr.block_details import is_limit
from raisr.noise_estimate import NORMAL_QUARTILE
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS

__all__ = ["level_before_clipping"]

_ROUNDS = 12
_HALVINGS = 10
_TELLING = 0.3  # quantile of blocks; chosen on images of bsd400
_LEAST = 0.55


def level_before_clipping(channels, level):
    """Return the level of white noise, of which clipping at black and white left `level`.

    What is left of it in a block follows from the mean of the block. The level of a channel is the
    median of all its details; that of three, what their chroma has in blocks of which as little as
    possible is clipped. Noise of floats is clipped nowhere.

    Parameters
    ----------
    channels : list of one or three GrayImage
    level : float
        In gray levels, of all channels.

    Returns
    -------
    float
        At most `level` / 0.55.
    """
    if level <= 0 or any(channel.array.dtype.kind != "u" for channel in channels):
        return level
    means, clipped = _clipped_blocks(channels)
    if not clipped.any():
        return level
    some, clipped = clipped.any(axis=2), clipped.any(axis=0).mean(axis=1)
    found = level
    for _ in range(_ROUNDS):
        share = np.where(some, _share_left(means, found), 1)
        left = _median_share(share[0]) if len(channels) == 1 else _chroma_share(share, clipped)
        found = level / max(left, _LEAST)
    return found


def _clipped_blocks(channels):
    """Return the mean of each block that varies, (channels, blocks), and where it is at a limit."""
    strips = list(strips_of(channels))
    planes = [[tiles(part.levelled().plane(), BLOCK) for part in strip] for strip in strips]
    limits = [[tiles(is_limit(part), BLOCK) for part in strip] for strip in strips]
    blocks, clipped = np.concatenate(planes, axis=1), np.concatenate(limits, axis=1)
    lives = (np.ptp(blocks, axis=2) > 0).all(axis=0)
    return blocks[:, lives].mean(axis=2, dtype=np.float64), clipped[:, lives]


def _median_share(share):
    """Return the median of absolute normal deviates of these levels, over that of level 1."""
    from scipy.special import ndtr

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = np.mean(2 * ndtr(NORMAL_QUARTILE * middle / share) - 1)
        low, high = (middle, high) if below < 0.5 else (low, middle)
    return high


def _chroma_share(share, clipped):
    """Return what is left in chroma, of all channels alike, in blocks that are clipped so much."""
    (left,) = whole_blocks([np.stack([np.sqrt(np.mean(share**2, axis=0)), clipped])])
    return float(np.quantile(left, _TELLING))


def _share_left(means, sigma):
    """Return the standard deviation of clipped noise over `sigma`, by the mean of what is left."""
    from scipy.special import ndtr

    true, white = np.linspace(0, GRAY_LEVELS, 256), GRAY_LEVELS
    ends = -true / sigma, (white - true) / sigma
    dark, bright = (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) for z in ends)
    below, inside = ndtr(ends[0]), ndtr(ends[1]) - ndtr(ends[0])
    above = 1 - below - inside
    mean = white * above + true * inside + sigma * (dark - bright)
    square = white**2 * above + (true**2 + sigma**2) * inside
    square += sigma * (true * dark - (true + white) * bright)
    return np.interp(means, mean, np.sqrt(np.maximum(square - mean**2, 0)) / sigma)
