"""`sharpen`: shipped filters that undo a mild blur, without halos, and without more noise."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.blocks import over_blocks
from raisr.cascade import run_stages
from raisr.colour import channel_groups
from raisr.colour_files import read_parts
from raisr.estimation import noise_of
from raisr.flat import balanced
from raisr.models import mixed_stages, rungs_around, scaled_stage
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_channels,
    check_threads,
    data_range_of,
    real_number,
)
from raisr.value_range import fitting

__all__ = ["BANK", "FORMAT", "LARGEST", "LEVELS", "check_amount", "sharpen", "stage_for"]

LEVELS = (1.0, 2.5, 5.0, 10.0, 20.0)
"""Levels of noise that there are filters for, gray levels of 255."""

LARGEST = 2.0
"""The largest amount: flat areas are smoothed by 1, and by more than 2 their noise would grow."""

FORMAT = "raisr sharpening bank 1"
"""Kind of the file of the filters."""

BANK = Path(__file__).parent / "banks" / "sharpen.safetensors"
"""Where they are shipped; a part is named by its level."""

_MOST = 1e15  # gray levels, whose squares are no infinity
_REACH = 2
_IN_THE_DARK = 1.5  # of a camera's level, which its tone curve raises there
_NEAR, _FAR = np.float32(0.25), np.float32(0.05)


def sharpen(
    image: ArrayLike,
    amount: float = 1.0,
    *,
    channel_axis: int | None = None,
    data_range: float | None = None,
    num_threads: int | None = None,
) -> NDArray:
    """Sharpen an image by learned filters, without halos.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
    amount : float
        From 0, which gives back the image, over 1, what was learned, to 2.
    channel_axis : int, optional
        Axis of the channels of a colour image. Of three channels, their mean is
        sharpened, and each channel changes by as much: edges get no colours. Of any other number,
        each channel is sharpened by itself.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats. A float image
        on 0..255 needs ``data_range=255``.
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Returns
    -------
    out : array
        Of the shape and dtype of `image`. Integers are rounded and clipped, floats neither
        clipped nor rescaled.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape or amount, an empty image, NaN or infinity.

    Warns
    -----
    UserWarning
        Where the values do not fit white: is `data_range` right?

    Notes
    -----
    The filters were learned to undo Gaussian blurs of 0.6 to 1.2 pixels of noisy photographs, for
    several levels of noise; the image's own level is estimated, by `estimate_noise`, and between
    levels filters are interpolated. In flat areas they smooth: white noise of one level does not
    grow there, up to an amount of 2. That of cameras is taken for one half more than its mean
    level, as it is strongest in the dark; that of photons may grow a little.

    The correction, times `amount`, is bounded: the result stays between the smallest and the
    largest of the 5 x 5 pixels around, widened by a twentieth of their difference on both sides,
    and between those of the 3 x 3 pixels around, widened by a quarter. So a step overshoots by a
    twentieth of its height at most, and what equals its neighbours stays as it is. The filters
    were learned from BSDS500 photographs, whose terms are non-commercial research and education.
    Borders are mirrored.

    References
    ----------
    Romano, Isidoro, Milanfar, "RAISR: Rapid and accurate image super resolution", IEEE TCI 2016;
    Getreuer et al., "BLADE: Filter learning for general purpose computational photography",
    ICCP 2018.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.tile(np.uint8([50, 50, 50, 52, 75, 125, 148, 150, 150, 150]), (10, 1))
    >>> sharper = sharpen(step)
    >>> bool(np.diff(sharper[5].astype(int)).max() > 50), int(sharper.max()) <= 155
    (True, True)
    """
    strength = check_amount(amount)
    channels = as_channels(image, channel_axis, data_range)
    threads = check_threads(num_threads)
    dtype = channels[0].array.dtype
    out = np.empty(np.shape(image), dtype)
    outs = [out] if channel_axis is None else list(np.moveaxis(out, channel_axis, 0))
    unit = data_range_of(dtype, data_range) / GRAY_LEVELS
    if not strength:
        for channel, result in zip(channels, outs, strict=True):
            result[...] = channel.array
        return out
    for group in channel_groups(len(channels)):
        change = _correction(channels[group], strength, threads)
        for channel, result in zip(channels[group], outs[group], strict=True):
            _add(channel.array, change, unit, result, threads)
    return out


def check_amount(amount) -> float:
    """Return an amount as float; refuse what is none."""
    value = real_number(amount)
    if not 0 <= value <= LARGEST:
        raise ValueError(f"amount must be a number from 0 to {LARGEST:g}, got {amount!r}")
    return value


def stage_for(level):
    """Return the stage for noise of a level, in gray levels of 255.

    Below the first of `LEVELS` it is that of the first; above the last, it does what the last does
    to an image that was scaled to its level.
    """
    level = min(_MOST, level)  # in this order, NaN, of what overflows, is the most
    low, high, weight = rungs_around(level, LEVELS)
    stage = _shipped(low)
    if weight:
        (stage,) = mixed_stages([stage], [_shipped(high)], weight)
    return scaled_stage(stage, max(1.0, level / LEVELS[-1]), np.float32(1))


@lru_cache
def _shipped(level):
    parts, _, _ = read_parts(BANK, FORMAT)
    (stage,) = parts[f"{level:g}"]
    return balanced(stage)


def _mean(channels):
    """Return the mean of channels in gray levels, (H, W) float32."""
    planes = [channel.levelled().plane() for channel in channels]
    return planes[0] if len(planes) == 1 else sum(planes) / np.float32(len(planes))


def _correction(channels, amount, num_threads):
    """Return what to add to each of some channels, gray levels, (H, W) float32."""
    luma = _mean(channels)
    out = np.empty(luma.shape, np.float32)
    stage = stage_for(_level(channels, num_threads))
    run_stages([stage], [GrayImage(luma)], [out], GRAY_LEVELS, num_threads)

    def block(y0, y1):
        given, wanted = luma[y0:y1], out[y0:y1]
        wanted -= given
        wanted *= np.float32(amount)
        low, high = bounds(luma, y0, y1)
        np.clip(wanted, low - given, high - given, out=wanted)

    over_blocks(block, luma.shape, num_threads)
    return out


def _level(channels, num_threads):
    """Return the level of noise in the mean of channels, gray levels."""
    noise = noise_of(channels, num_threads=num_threads)
    levels = noise.plane_levels()
    if noise.is_white:
        return float(levels[0])
    # Texture seems noise of a camera; its chroma has as much noise as its luma, and less texture.
    return _IN_THE_DARK * float(levels.min())


def bounds(plane, y0, y1):
    """Return what each pixel of some rows of a plane may at least, and at most, become.

    That is the range of the 5 x 5 pixels around, and that of the 3 x 3 pixels around, each widened
    on both sides: by a twentieth of it, and by a quarter.
    """
    top, bottom = max(0, y0 - _REACH), min(len(plane), y1 + _REACH)
    missing = top - (y0 - _REACH), y1 + _REACH - bottom
    rows = np.pad(plane[top:bottom], (missing, (_REACH, _REACH)), "edge")
    low3, high3 = _around(np.minimum, rows), _around(np.maximum, rows)
    low5, high5 = _around(np.minimum, low3), _around(np.maximum, high3)
    low3, high3 = low3[1:-1, 1:-1], high3[1:-1, 1:-1]
    near, far = _NEAR * (high3 - low3), _FAR * (high5 - low5)
    return np.maximum(low3 - near, low5 - far), np.minimum(high3 + near, high5 + far)


def _around(pick, rows):
    """Return the least or the largest of the 3 x 3 pixels around each inner one."""
    rows = pick(pick(rows[:-2], rows[1:-1]), rows[2:])
    return pick(pick(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _add(values, change, unit, out, num_threads):
    """Write values plus a change in gray levels, in float64, as the type of `out` can hold them."""

    def block(y0, y1):
        part = np.multiply(change[y0:y1], unit, dtype=np.float64)
        part += values[y0:y1]
        out[y0:y1] = fitting(part, out.dtype)

    over_blocks(block, out.shape, num_threads)
