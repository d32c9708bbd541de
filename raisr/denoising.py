"""`denoise`: the shipped filter banks, for the noise that an image has."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.camera_models import GAINS, run_camera
from raisr.cascade import run_stages
from raisr.clipping import undo_clipping
from raisr.colour_bank import ColourBank, check_three, run_colour
from raisr.constant_areas import keep_constant_areas
from raisr.estimation import NORMAL_QUARTILE, noise_of
from raisr.filtering import FilterBank
from raisr.models import LADDER, LARGEST, MODELS, bank_for, bank_path, colour_bank_for
from raisr.stabilisation import PhotonNoise, anscombe, inverse_anscombe
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_channels,
    check_sigma,
    check_threads,
    data_range_of,
)

__all__ = ["KINDS", "LADDER", "MODELS", "bank_for", "bank_path", "denoise", "estimate_sigma"]

KINDS = ("white", "photon", *GAINS)
"""What noise can be told to be like."""

_ALIKE = 6.0  # ratio of the levels of channels that go through opponent space, at most
_NONE = 0.1  # of the level that the finest details tell: in less, these are no noise
_STEADY = 1e-4  # by how much levels may differ, relative to them, in what is filtered as white
_ROUNDING = 1e-6  # of a wavelet coefficient, relative to the image


def denoise(
    image: ArrayLike,
    sigma: float | Sequence[float] | None = None,
    *,
    model: str | FilterBank | ColourBank = "fast",
    noise: str | PhotonNoise | None = None,
    channel_axis: int | None = None,
    data_range: float | None = None,
    num_threads: int | None = None,
) -> NDArray:
    """Remove noise: white, of counted photons, or of a camera.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
    sigma : float, or one for each channel, optional
        Standard deviation of white noise, in the unit of the image; 0 returns a copy. Default:
        what `raisr.estimate_noise` finds; of white noise `estimate_sigma` of each channel.
    model : {"fast", "best"}, FilterBank or ColourBank
        "fast" is one stage for a gray image, "best" a cascade; a bank of your own is applied as
        it is, whatever `sigma` but 0, a FilterBank to each channel.
    noise : {"white", "photon", "camera", "mosaic"} or PhotonNoise, optional
        What the noise is like, whatever is found: see `NoiseEstimate.kind`. Its level is
        estimated; a PhotonNoise tells all, in the unit of the image. Default: what is found.
        "camera" and "mosaic" are for three channels that differ, "photon" is for images whose noise
        grows with the brightness, or that have none.
    channel_axis : int, optional
        Axis of the channels of a colour image. Three channels are taken as red, green and blue
        and filtered in opponent space, see `ColourBank`, unless one has more than six times the
        noise of another; then, and in images of other numbers of channels, each is filtered as an
        image of its own. Three equal channels are one gray image.
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
        For another dtype or shape, an empty image, NaN or infinity, an unknown model, or another
        number of levels than of channels; for a `noise` that is unknown, that the image cannot
        have, or that is told beside `sigma` or a bank.

    Warns
    -----
    UserWarning
        Where the values do not fit white: is `data_range` right?

    Notes
    -----
    Noise of photons is removed where it is white, behind the generalised Anscombe transform, which
    an unbiased inverse takes back (`raisr.stabilisation`). That of a camera, which neighbouring
    pixels share, is removed from coarse to fine, see `raisr.pyramid_bank.PyramidBank`; where it
    may be texture, less is changed.

    Banks for white noise are shipped for levels of 5/255 to 75/255 of white; less and more is
    filtered as an image that is scaled to the nearest of these. Borders are reflected. What lies
    far from [0, white] (its median a quarter of white or more outside) is moved to its middle and
    back: of kelvin or heights, `data_range` is the contrast that matters, and a constant that is
    added to such an image adds itself to the result. The shipped banks were learned from BSDS500
    photographs, whose terms are non-commercial research and education.

    Noise that was clipped at black or white, as in 8 bits, has lost part of its mean: white paper
    with noise of 10 is 251 on average. In images of integers it is given back (Foi, 2009) where as
    many pixels lie at the bound as clipped noise would leave, and noise is white.

    Two channels that show one scene would gain 0.2 dB from common classes, two that do not would
    lose 1.1 ("fast") and 1.7 dB ("best"), at sigma 25 on images held back from the training set:
    so other numbers of channels than three share nothing.

    References
    ----------
    Getreuer et al., "BLADE: Filter learning for general purpose computational photography",
    ICCP 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr.noise import add_gaussian_noise
    >>> clean = np.full((64, 64), 0.5)
    >>> noisy = add_gaussian_noise(clean, sigma=0.1, seed=0)
    >>> out = denoise(noisy, sigma=0.1)
    >>> bool(np.abs(out - clean).mean() < 0.2 * np.abs(noisy - clean).mean())
    True
    """
    if not (isinstance(model, FilterBank | ColourBank) or _is_model(model)):
        raise ValueError(
            f'model must be "fast", "best" or a FilterBank or ColourBank, got {model!r}'
        )
    _check_noise(noise, sigma, model)
    told = None if sigma is None else _told(sigma)
    noiseless = told is not None and not any(told)
    channels = as_channels(image, channel_axis, data_range, white_matters=not noiseless)
    if told is not None and len(told) not in (1, len(channels)):
        raise ValueError(f"sigma must be one number or {len(channels)}, got {len(told)}")
    gray = is_gray(channels)
    if noise in GAINS and (gray or len(channels) != 3):
        got = "three that are equal" if gray else len(channels)
        raise ValueError(f"noise of a camera is in three channels, got {got}")
    dtype = channels[0].array.dtype
    white = data_range_of(dtype, data_range)
    threads = check_threads(num_threads)
    out = np.empty(np.shape(image), dtype)
    outs = [out] if channel_axis is None else list(np.moveaxis(out, channel_axis, 0))
    if noiseless:
        out[...] = image
    elif isinstance(model, ColourBank):
        check_three(channels)
        run_colour(model, channels, outs, white, threads)
    elif isinstance(model, FilterBank):
        for channel, result in zip(channels, outs, strict=True):
            run_stages(model.stages, [channel], [result], white, threads)
    else:
        given = None if told is None else [check_sigma(s, white) for s in told]
        if isinstance(noise, PhotonNoise):
            noise = noise.times(GRAY_LEVELS / white)
        gray = gray and (given is None or len(set(given)) == 1)
        shown = slice(0, 1) if gray else slice(None)
        told = given and given[: len(channels[shown])]
        _denoise(model, channels[shown], told, noise, outs[shown], white, threads)
        for copy in outs[1:] if gray else ():
            copy[...] = outs[0]
    return out


def _is_model(name):
    return isinstance(name, str) and name in MODELS


def _check_noise(noise, sigma, model):
    if noise is None:
        return
    if not (isinstance(noise, PhotonNoise) or (isinstance(noise, str) and noise in KINDS)):
        raise ValueError(f"noise must be one of {', '.join(KINDS)} or PhotonNoise, got {noise!r}")
    if not isinstance(model, str):
        raise ValueError("noise has no effect on a bank of your own: leave it out")
    if sigma is not None and noise != "white":
        raise ValueError(f"sigma is the level of white noise: it does not go with noise={noise!r}")


def is_gray(channels):
    """Whether there are three channels, all alike: noise that is in all of them is in the luma."""
    first = channels[0].array
    return len(channels) == 3 and all(np.array_equal(first, c.array) for c in channels[1:])


def _denoise(model, channels, told, noise, outs, white, num_threads):
    """Remove noise of told levels, or of a kind (None: what is found), or as told in full."""
    if told is not None:
        _remove_white(model, told, channels, outs, white, num_threads)
        keep_constant_areas(channels, outs)
        return
    if len(channels) not in (1, 3):
        for channel, out in zip(channels, outs, strict=True):
            _denoise(model, [channel], None, noise, [out], white, num_threads)
        return
    if isinstance(noise, PhotonNoise):
        _remove_photonic(model, noise, channels, outs, white, num_threads)
        keep_constant_areas(channels, outs)
        return
    found = noise_of(channels)
    kind = found.kind if noise is None else noise
    if kind in GAINS and len(channels) == 3 and (noise or found.shared_levels() is None):
        run_camera(model, kind, found, channels, outs, white, num_threads)
        return  # what JPEG made constant had noise
    if noise == "photon" and found.photons is None and found.kind != "none":
        raise ValueError(
            'noise="photon": no such noise fits, as it does not grow with the brightness, or the '
            "image is too small to tell: pass a PhotonNoise"
        )
    if kind == "photon" and found.photons is not None:
        _remove_photonic(model, found.photons, channels, outs, white, num_threads)
    else:
        levels = [_level_of(channel) for channel in channels]
        shared = found.shared_levels() if noise is None else None
        _remove_white(model, levels, channels, outs, white, num_threads, shared)
    keep_constant_areas(channels, outs)


def _remove_white(model, levels, channels, outs, white, num_threads, planes=None):
    """Remove white noise of levels in gray levels: of all channels, of each, or of each plane."""
    planes = planes or _plane_levels(levels, len(channels))
    levels = levels * len(channels) if len(levels) == 1 else levels
    if planes is None:
        _filter_each(model, levels, channels, outs, white, num_threads)
    else:
        bank = colour_bank_for(model, *planes)
        run_colour(bank, channels, outs, white, num_threads, planes)
    undo_clipping(channels, outs, levels, white, num_threads)


def _remove_photonic(model, noise, channels, outs, white, num_threads):
    """Remove Poisson-Gaussian noise, in gray levels, where it is white: after a transform."""
    planes = [channel.levelled().plane() for channel in channels]
    each = [noise.moved(-channel.pedestal * channel.factor) for channel in channels]
    steady = [_steady_level(its, plane) for its, plane in zip(each, planes, strict=True)]
    if None not in steady:
        _remove_white(model, steady, channels, outs, white, num_threads)
        return
    # Black and white of the image stay black and white, so that classes mean what they do.
    low, high = anscombe(np.array([0, GRAY_LEVELS]) + each[0].offset, each[0])
    if LARGEST * (high - low) < GRAY_LEVELS:
        raise ValueError(
            f"noise is too strong for this image: {noise}, where white is {GRAY_LEVELS:g} "
            "(is data_range right?)"
        )
    unit = float(GRAY_LEVELS / (high - low))
    scaled = [
        GrayImage(((anscombe(plane, its) - low) * unit).astype(np.float32))
        for plane, its in zip(planes, each, strict=True)
    ]
    results = [np.empty(plane.shape, np.float32) for plane in planes]
    _remove_white(model, [unit], scaled, results, GRAY_LEVELS, num_threads)
    for channel, its, result, out in zip(channels, each, results, outs, strict=True):
        stable = result.astype(np.float64) / unit + low
        channel.put_back(inverse_anscombe(stable, its), out, white)


def _steady_level(noise, plane):
    """Return the level of noise that is the same wherever the plane is dark or bright; or None."""
    low, high = noise.deviation(np.array([plane.min(), plane.max()], np.float64))
    return float(high) if high - low <= _STEADY * high else None


def _told(sigma):
    """Return levels in the unit of the image: one, or one for each channel."""
    each = [sigma] if np.ndim(sigma) == 0 else np.ravel(sigma)
    return [check_sigma(level, GRAY_LEVELS) for level in each]


def _plane_levels(levels, count):
    """Return the levels of opponent planes, in gray levels; None where channels are too unlike."""
    if count != 3 or max(levels) == 0 or max(levels) > _ALIKE * min(levels):
        return None
    r, g, b = np.square(levels * count if len(levels) == 1 else levels)
    planes = np.sqrt([(r + g + b) / 9, (r + b) / 2, (r + 4 * g + b) / 6])
    return tuple(planes.tolist())


def _level_of(channel):
    """Return the level of white noise in a channel; a drawing, whose edges seem noise, has none."""
    level = _estimate([channel])
    return level if noise_of([channel]).levels[0, 0] > _NONE * level else 0.0


def _filter_each(model, levels, channels, outs, white, num_threads):
    """Filter each channel as an image of its own."""
    for level, channel, out in zip(levels, channels, outs, strict=True):
        if level > 0:
            run_stages(bank_for(model, level).stages, [channel], [out], white, num_threads)
        else:
            out[...] = channel.array


def estimate_sigma(image: ArrayLike, *, channel_axis: int | None = None) -> float:
    """Estimate the standard deviation of white Gaussian noise from the finest wavelet scale.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64.
    channel_axis : int, optional
        Axis of the channels of a colour image; their estimates are averaged.

    Returns
    -------
    sigma : float
        In the unit of the image; 0 for images too small to tell (a side below 2 pixels).

    Raises
    ------
    TypeError, ValueError
        As `denoise`.

    Notes
    -----
    The median of the absolute diagonal coefficients (db2) over that of a normal distribution
    (Donoho and Johnstone, 1994), as `skimage.restoration.estimate_sigma`. Fine texture counts as
    noise: expect up to two gray levels too much. Noise that was clipped at black or white is
    missing: on dark pictures of 8 bits expect too little.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr.noise import add_gaussian_noise
    >>> noisy = add_gaussian_noise(np.full((128, 128), 100.0), sigma=20, seed=0)
    >>> bool(abs(estimate_sigma(noisy) - 20) < 1)
    True
    """
    return _estimate(as_channels(image, channel_axis, GRAY_LEVELS, white_matters=False))


def white_level(image: ArrayLike, *, channel_axis: int | None = None) -> float:
    """Return the level that `denoise` finds where noise is white: `estimate_sigma`, 0 of drawings.

    In the unit of the image, the mean over channels.
    """
    channels = as_channels(image, channel_axis, GRAY_LEVELS, white_matters=False)
    return float(np.mean([_level_of(channel) for channel in channels]))


def _estimate(channels):
    import pywt

    found = []
    for plane in (channel.levelled().plane() for channel in channels):
        if min(plane.shape) > 1:
            detail = np.abs(pywt.dwtn(plane, "db2")["dd"])
            # Saturated and padded areas are without noise: nothing is there, up to rounding. Of
            # drawings, only edges are left, with nothing around them.
            noisy = detail > _ROUNDING * np.abs(plane).max()
            if (living := noisy & (_share_nearby(noisy) > 0.5)).any():
                found.append(np.median(detail[living]))
    return float(np.mean(found)) / NORMAL_QUARTILE if found else 0.0


def _share_nearby(mask):
    """Share of a mask in the 5x5 neighbourhood of every pixel."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(mask.astype(np.float32), 5, mode="reflect")
