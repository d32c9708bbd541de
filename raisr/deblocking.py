"""`deblock`: shipped filters that remove what JPEG left."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.cascade import run_stages
from raisr.colour import LUMA, channel_groups, luma_of
from raisr.colour_bank import filter_chroma
from raisr.colour_files import read_parts
from raisr.flat import balanced
from raisr.jpeg import BLOCK, find_blocks, find_traces
from raisr.models import mixed_stages, rungs_around, scaled_stage
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_channels,
    check_threads,
    data_range_of,
    whole_number,
)

__all__ = ["FORMAT", "PARTS", "QUALITIES", "deblock", "deblocking_path", "parts_for"]

QUALITIES = (10, 20, 30, 40, 60, 80)
"""Qualities of JPEG that filters are shipped for."""

PARTS = ("luma", "blue", "red")
"""Planes that have filters: the luma, and blue and red less the luma."""

FORMAT = "raisr deblocking bank 1"
"""Kind of the files of the filters."""

_MODELS = ("fast", "best")


def deblocking_path(quality):
    """Return where the filters for one of `QUALITIES` are shipped."""
    return Path(__file__).parent / "banks" / f"deblock_{quality}.safetensors"


@lru_cache
def _shipped(quality):
    parts, guides, _ = read_parts(deblocking_path(quality), FORMAT)
    return {name: [balanced(stage) for stage in stages] for name, stages in parts.items()}, guides


@lru_cache(maxsize=8)
def parts_for(model, quality):
    """Return the stages of each of `PARTS`, by name, and what those of chroma hash.

    Between two of `QUALITIES` filters are interpolated, below the lowest they are its own, and
    above the highest they change less and less, at 100 nothing.
    """
    count = 1 if model == "fast" else None
    low, high, weight = rungs_around(quality, QUALITIES)
    parts, guides = _shipped(low)
    if weight:
        others = _shipped(high)[0]
        parts = {name: mixed_stages(parts[name], others[name], weight) for name in PARTS}
    left = np.float32(min(1, (100 - quality) / (100 - QUALITIES[-1])))
    kept = {name: [scaled_stage(s, 1.0, left) for s in parts[name][:count]] for name in PARTS}
    return kept, guides[:count]


def deblock(
    image: ArrayLike,
    quality: int | None = None,
    *,
    model: str = "fast",
    channel_axis: int | None = None,
    data_range: float | None = None,
    num_threads: int | None = None,
) -> NDArray:
    """Remove the blocks and the ringing of JPEG by learned filters.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed. As it was
        decoded: not resized, turned or cropped as you like.
    quality : int, optional
        Of the JPEG, 1 to 100 as libjpeg counts. Default: `estimate_jpeg_quality`; an image that
        shows no traces of JPEG comes back as it is.
    model : {"fast", "best"}
        "fast" is one stage, "best" a cascade.
    channel_axis : int, optional
        Axis of the channels of a colour image. Of three channels, the luma (ITU-R BT.601) and two
        planes of chroma are filtered; of any other number, each channel by itself.
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
        For another dtype, shape, quality or model, an empty image, NaN or infinity.

    Warns
    -----
    UserWarning
        Where the values do not fit white: is `data_range` right?

    Notes
    -----
    Each pixel of a block of 8 x 8 has filters of its own for each class of gradients; where the
    blocks begin is seen in the image. The chroma is filtered by the classes of the filtered luma,
    for JPEGs that halved it, as is usual. The weights of each filter sum to one: flat areas keep
    their value. Filters are shipped for qualities of 10 to 80 and interpolated between them; above,
    they change less and less. They were learned from BSDS500 photographs, whose terms are
    non-commercial research and education. Borders are mirrored.

    References
    ----------
    Getreuer et al., "BLADE: Filter learning for general purpose computational photography",
    ICCP 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr.jpeg import compress
    >>> ramp = np.tile(np.arange(64, dtype=np.uint8) * 2, (64, 1))
    >>> coarse = compress(ramp, 10)
    >>> error = [np.abs(x - ramp.astype(float)).mean() for x in (coarse, deblock(coarse, 10))]
    >>> bool(error[1] < error[0])
    True
    """
    if not (isinstance(model, str) and model in _MODELS):
        raise ValueError(f'model must be "fast" or "best", got {model!r}')
    told = None if quality is None else check_quality(quality)
    channels = as_channels(image, channel_axis, data_range)
    threads = check_threads(num_threads)
    dtype = channels[0].array.dtype
    white = data_range_of(dtype, data_range)
    out = np.empty(np.shape(image), dtype)
    outs = [out] if channel_axis is None else list(np.moveaxis(out, channel_axis, 0))
    for group in channel_groups(len(channels)):
        _deblock(channels[group], outs[group], told, model, white, threads)
    return out


def check_quality(quality) -> int:
    """Return a quality of JPEG as int; refuse what is none."""
    whole = whole_number(quality)
    if whole is None or not 1 <= whole <= 100:
        raise ValueError(f"quality must be a whole number from 1 to 100, got {quality!r}")
    return whole


def _deblock(channels, outs, quality, model, white, num_threads):
    """Filter three channels together, or one."""
    planes = [channel.levelled().plane() for channel in channels]
    luma = luma_of(planes)
    found = (quality, *find_blocks(luma)) if quality else find_traces(planes)
    if found is None or found[0] == 100:
        for channel, out in zip(channels, outs, strict=True):
            out[...] = channel.array
        return
    quality, *starts = found
    parts, guides = parts_for(model, quality)
    luma = _aligned(luma, starts)
    bright = np.empty(luma.shape, np.float32)
    run_stages(parts["luma"], [GrayImage(luma)], [bright], GRAY_LEVELS, num_threads)
    results = [bright]
    if len(planes) > 1:
        chroma = [GrayImage(_aligned(planes[place], starts) - luma) for place in (2, 0)]
        stages = [parts[name] for name in PARTS[1:]]
        results = _colours(
            bright, *filter_chroma(stages, guides, chroma, GrayImage(bright), num_threads)
        )
    for channel, plane, out in zip(channels, results, outs, strict=True):
        inside = tuple(
            slice(-start % BLOCK, -start % BLOCK + side)
            for start, side in zip(starts, out.shape, strict=True)
        )
        channel.put_back(plane[inside], out, white)


def _aligned(plane, starts):
    """Return a plane with mirrored rows and columns before it, so that a block begins it."""
    missing = [(-start % BLOCK, 0) for start in starts]
    return np.pad(plane, missing, "symmetric") if any(starts) else plane


def _colours(luma, blue, red):
    """Red, green and blue of the luma, and of blue and red less the luma."""
    weights = LUMA.astype(np.float32)
    green = -(weights[0] * red + weights[2] * blue) / weights[1]
    return [luma + red, luma + green, luma + blue]
