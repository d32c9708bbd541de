"""`upscale`: shipped filters that enlarge images."""

import os
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.bicubic import enlarge_bicubic, resize_bicubic
from raisr.blocks import over_blocks
from raisr.census import blend
from raisr.colour import luma_of
from raisr.deblocking import deblock
from raisr.intel_filters import IntelFilters
from raisr.upscaling_bank import UpscalingBank
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_channels,
    check_threads,
    data_range_of,
    whole_number,
)

__all__ = [
    "FACTORS",
    "MODELS",
    "bank_for",
    "bank_path",
    "check_bank",
    "check_factor",
    "load_bank",
    "upscale",
]

FACTORS = (1.5, 2, 3, 4)
"""Factors that `upscale` knows."""

MODELS = ("fast", "best")
"""Names of the shipped filters."""

_COLOURS = 3
_PLANES = (
    3  # of a cascade, or of what is mixed, in memory at once, float32, of the size of the result
)
_HALVING = 10  # times as much: planes enlarged by 3, and float64


def bank_path(model, factor):
    """Return where the bank of a model, for a whole factor, is shipped."""
    return Path(__file__).parent / "banks" / f"upscale_{model}_{factor}.safetensors"


@lru_cache
def bank_for(model, factor):
    """Return the shipped bank of a model, for a whole factor."""
    return UpscalingBank.load(bank_path(model, factor))


def upscale(
    image: ArrayLike,
    factor: float = 2,
    *,
    model: str | os.PathLike[str] | UpscalingBank | IntelFilters = "fast",
    compressed: bool = False,
    census: bool = False,
    channel_axis: int | None = None,
    data_range: float | None = None,
    num_threads: int | None = None,
) -> NDArray:
    """Enlarge an image by learned filters.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
    factor : {1.5, 2, 3, 4}
        Of the result's sides, which are rounded: halves to even.
    model : {"fast", "best"}, UpscalingBank, IntelFilters or path
        "fast" is one stage of few classes, "best" a cascade. A bank of your own, or its file, must
        be of this factor, for 1.5 of 3: see `raisr.learn_upscaling`, and `factor` of
        `raisr.learn_filters`.
    compressed : bool
        Whether the image was a JPEG: what compression left is removed by `raisr.deblock` before, by
        its model "best" for "best" and "fast" for all others. An image without traces of JPEG is
        enlarged as it is. Where the quality is known, call `raisr.deblock` with it instead.
    census : bool
        Mix the result with bicubic interpolation, the more the more of its eight neighbours a
        pixel changed sides with (Romano et al., section V): softer, and 0.01 to 0.08 dB less on
        photographs. Of three channels, that of the luma. Not for `IntelFilters`, which always do.
    channel_axis : int, optional
        Axis of the channels of a colour image. Of three channels, the luma (ITU-R BT.601) is
        enlarged by the filters and colour differences by bicubic interpolation; of any other
        number, each channel is enlarged by itself.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats. A float image
        on 0..255 needs ``data_range=255``.
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Returns
    -------
    out : array
        Of the dtype of `image`. Integers are rounded and clipped, floats neither clipped, unless
        float16 cannot hold them, nor rescaled. Corners coincide: nothing is shifted.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape, factor or model, an empty image, NaN or infinity, an image
        whose result would not fit into this machine's memory, or a bank of another factor or
        whose file is damaged.
    FileNotFoundError
        If there is no file of that name.

    Warns
    -----
    UserWarning
        Where the values do not fit white: is `data_range` right?

    Notes
    -----
    Filters work on the small image: each class has one for every pixel of the block that takes a
    pixel's place, and the weights of each sum to one, so that a constant added to an image adds
    itself to the result, up to rounding that moves a pixel to another class. By 1.5, an image is
    enlarged by 3 and halved. Borders are mirrored. The shipped banks were learned to undo an
    antialiased bicubic reduction (MATLAB's imresize, rounded to 8 bits) of BSDS500 photographs,
    whose terms are non-commercial research and education; a picture that was made sharper, or
    compressed, before is enlarged with its faults.

    References
    ----------
    Romano, Isidoro, Milanfar, "RAISR: Rapid and accurate image super resolution", IEEE TCI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> upscale(np.full((3, 5), 7, np.uint8), 3).shape
    (9, 15)
    """
    ratio = check_factor(factor)
    bank = _bank_of(model, ratio)
    channels = as_channels(image, channel_axis, data_range)
    if census and isinstance(bank, IntelFilters):
        raise ValueError("census has no effect with IntelFilters, which mix by themselves")
    _check_memory(channels, ratio, bank, census)
    threads = check_threads(num_threads)
    if compressed:
        options = {"channel_axis": channel_axis, "data_range": data_range, "num_threads": threads}
        cleaned = deblock(image, model="best" if model == "best" else "fast", **options)
        channels = as_channels(cleaned, channel_axis, data_range)
    dtype = channels[0].array.dtype
    white = data_range_of(dtype, data_range)
    sides = tuple(round(side * ratio) for side in channels[0].shape)
    if channel_axis is None:
        out = np.empty(sides, dtype)
        outs = [out]
    else:
        axis = channel_axis % np.ndim(image)
        out = np.empty((*sides[:axis], len(channels), *sides[axis:]), dtype)
        outs = list(np.moveaxis(out, axis, 0))
    if len(channels) == _COLOURS:
        _enlarge_colours(bank, channels, outs, ratio, white, census, threads)
    else:
        for channel, result in zip(channels, outs, strict=True):
            _enlarge(bank, channel, result, ratio, white, census, threads)
    return out


def _bank_of(model, ratio):
    """Return the bank of a model, of a file or as given, for a factor."""
    if isinstance(model, str) and model in MODELS:
        return bank_for(model, _whole(ratio))
    if isinstance(model, str | os.PathLike):
        if not Path(model).exists():
            raise FileNotFoundError(
                f'{model}: neither "fast" nor "best", nor the file of a bank that enlarges'
            )
        model = load_bank(model)
    if not isinstance(model, UpscalingBank | IntelFilters):
        raise TypeError(f'model must be "fast", "best", a path or an UpscalingBank, got {model!r}')
    check_bank(model, ratio)
    return model


def load_bank(path: str | os.PathLike[str]) -> UpscalingBank | IntelFilters:
    """Read the file of an UpscalingBank, or a folder of IntelFilters."""
    return IntelFilters.load(path) if Path(path).is_dir() else UpscalingBank.load(path)


def check_bank(bank: UpscalingBank | IntelFilters, factor: float) -> None:
    """Refuse a bank of another factor."""
    if bank.factor != (wanted := _whole(Fraction(factor))):
        raise ValueError(
            f"the bank enlarges by {bank.factor}; for factor {float(factor):g}, one of {wanted} "
            "is needed"
        )


def _whole(ratio):
    """Return the factor of the bank for a factor: by 1.5, images are enlarged by 3 and halved."""
    return 3 if ratio.denominator == 2 else int(ratio)


def check_factor(factor) -> Fraction:
    """Return a factor of `FACTORS` as a fraction; refuse any other."""
    number = factor.item() if isinstance(factor, np.generic) else factor
    whole = whole_number(number)
    known = not isinstance(number, bool) and isinstance(number, (int, float, Fraction))
    if not known or (number if whole is None else whole) not in FACTORS:
        raise ValueError(f"factor must be 1.5, 2, 3 or 4, got {factor!r}")
    return Fraction(number)


def _check_memory(channels, ratio, bank, census):
    """Refuse an image whose result and work would not fit, before the work begins."""
    height, width = channels[0].shape
    coloured = len(channels) == _COLOURS
    planes = (_PLANES if census or len(bank.stages) > 1 else 1) + (_COLOURS if coloured else 0)
    work = 4 * planes * (1 if ratio.denominator == 1 else _HALVING)
    item = channels[0].array.dtype.itemsize
    needed = float(height) * width * float(ratio) ** 2 * (item * len(channels) + work)
    if needed > (memory := _memory()):
        raise ValueError(
            f"an image of {height} x {width} pixels, enlarged by {float(ratio):g}, needs about "
            f"{needed / 1e9:.3g} GB of memory; this machine has {memory / 1e9:.3g} GB"
        )


def _memory():
    """Return the bytes of this machine's memory, or infinity where they are unknown."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return np.inf


def _enlarge(bank, channel, out, ratio, white, census, threads):
    if ratio.denominator == 1 and not channel.pedestal and not census:
        bank.run(channel, out, white, threads)
    else:
        _finish(channel, _plane(bank, channel.levelled(), census, threads), out, white)


def _plane(bank, source, census, threads):
    """Return a plane enlarged by the factor of a bank, in gray levels."""
    height, width = source.shape
    plane = np.empty((height * bank.factor, width * bank.factor), np.float32)
    bank.run(source, plane, GRAY_LEVELS, threads)
    if not census:
        return plane
    plain = np.empty_like(plane)
    enlarge_bicubic([source], bank.factor, [plain], GRAY_LEVELS, threads)
    return blend(plain, plane, threads)


def _enlarge_colours(bank, channels, outs, ratio, white, census, threads):
    luma, differences = _luma_and_differences([c.levelled() for c in channels], threads)
    bright = _plane(bank, GrayImage(luma), census, threads)
    images = [GrayImage(plane) for plane in differences]
    if outs[0].shape == bright.shape and not any(channel.pedestal for channel in channels):
        enlarge_bicubic(images, bank.factor, outs, white, threads, base=bright)
        return
    for channel, image, out in zip(channels, images, outs, strict=True):
        colour = np.empty_like(bright)
        enlarge_bicubic([image], bank.factor, [colour], GRAY_LEVELS, threads, base=bright)
        _finish(channel, colour, out, white)


def _luma_and_differences(channels, num_threads):
    """Return the luma, and what the three channels are above it, (3, H, W), as float32."""
    from raisr.kernels.pixels import read_tile

    height, width = channels[0].shape
    luma, differences = (np.empty((*n, height, width), np.float32) for n in ((), (3,)))

    def block(y0, y1):
        planes = differences[:, y0:y1]
        for channel, plane in zip(channels, planes, strict=True):
            read_tile(channel.source, y0, 0, np.float32(0), plane)
        luma[y0:y1] = luma_of(list(planes))
        planes -= luma[y0:y1]

    over_blocks(block, luma.shape, num_threads)
    return luma, differences


def _finish(channel, plane, out, white):
    """Write an enlarged plane of gray levels to `out`, halved where it is that much larger."""
    if out.shape != plane.shape:
        plane = resize_bicubic(plane, Fraction(1, 2), out.shape)
    replace(channel, array=out).put_back(plane, out, white)
