"""`denoise`: the shipped filter banks, for the noise that an image has."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.camera_models import GAINS
from raisr.colour_bank import ColourBank
from raisr.filtering import FilterBank
from raisr.models import LADDER, MODELS, bank_for, bank_path
from raisr.sampling import all_equal, sample_of
from raisr.stabilisation import PhotonNoise
from raisr.steps import bank_step, choose_step, copied, repeated
from raisr.validate import (
    GRAY_LEVELS,
    as_channels,
    check_sigma,
    check_threads,
    data_range_of,
)
from raisr.wavelet_level import level_of, mean_level

__all__ = ["KINDS", "LADDER", "MODELS", "bank_for", "bank_path", "denoise", "estimate_sigma"]

KINDS = ("white", "photon", *GAINS)
"""What noise can be told to be like."""


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
        what `raisr.estimate_noise` finds; of white noise `estimate_sigma` of each channel, less
        where it may be texture (`raisr.white_certainty`): in colour, chroma tells. Of more than
        2**24 pixels, 64 tiles of 256 x 256 are looked at, spread evenly.
    model : {"fast", "best"}, FilterBank or ColourBank
        "fast" is one stage for a gray image, "best" a cascade; a bank of your own is applied as
        it is, whatever `sigma` but 0, a FilterBank to each channel.
    noise : {"white", "photon", "camera", "mosaic"} or PhotonNoise, optional
        What the noise is like, whatever is found: see `NoiseEstimate.kind`. That it is noise, and
        no texture, is not doubted then. Its level is estimated; a PhotonNoise tells all, in the
        unit of the image. Default: what is found.
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

    Banks for white noise are shipped for levels of 2/255 to 75/255 of white; less and more is
    filtered as an image that is scaled to the nearest of these. Borders are reflected. What lies
    far from [0, white] (its median a quarter of white or more outside) is moved to its middle and
    back: of kelvin or heights, `data_range` is the contrast that matters, and a constant that is
    added to such an image adds itself to the result. The shipped banks were learned from BSDS500
    photographs, whose terms are non-commercial research and education.

    Noise that was clipped at black or white, as in 8 bits, has lost part of its mean: white paper
    with noise of 10 is 251 on average. It is given back (Foi, 2009) where as many pixels lie at the
    bound as clipped noise would leave, none beyond, and noise is white: in floats, too. The level
    that is found is that before.

    Without a sigma, dithers and other images of few values come back as the histogram tells them,
    pixel by pixel, where less than a sixteenth of the noise would be left (see
    `raisr.few_values.values_told`).

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
    told = check_task(model, sigma, noise)
    noiseless = told is not None and not any(told)
    channels = as_channels(image, channel_axis, data_range, white_matters=not noiseless)
    white = data_range_of(channels[0].array.dtype, data_range)
    threads = check_threads(num_threads)
    sample = sample_of(channels) if told is None else channels
    step = step_of(model, told, noise, sample, lambda: [channels], white, threads)
    return apply_step(step, channels, np.shape(image), channel_axis, white, threads)


def apply_step(step, channels, shape, channel_axis, white, num_threads):
    """Return what a `Step` makes of an image: of its channels, each a GrayImage.

    It has their type and `shape`, the channels along `channel_axis`; `white` is in their unit.
    """
    out = np.empty(shape, channels[0].array.dtype)
    outs = [out] if channel_axis is None else list(np.moveaxis(out, channel_axis, 0))
    step.run(channels, outs, white, num_threads)
    return out


def check_task(model, sigma, noise):
    """Check what is asked for, and return the told levels in the unit of the image, or None."""
    shipped = isinstance(model, str) and model in MODELS
    if not (isinstance(model, FilterBank | ColourBank) or shipped):
        raise ValueError(
            f'model must be "fast", "best" or a FilterBank or ColourBank, got {model!r}'
        )
    if noise is not None:
        if not (isinstance(noise, PhotonNoise) or (isinstance(noise, str) and noise in KINDS)):
            known = ", ".join(KINDS)
            raise ValueError(f"noise must be one of {known} or PhotonNoise, got {noise!r}")
        if not shipped:
            raise ValueError("noise has no effect on a bank of your own: leave it out")
        if sigma is not None and noise != "white":
            raise ValueError(
                f"sigma is the level of white noise: it does not go with noise={noise!r}"
            )
    if sigma is None:
        return None
    each = [sigma] if np.ndim(sigma) == 0 else np.ravel(sigma)
    return [check_sigma(level, GRAY_LEVELS) for level in each]


def step_of(model, told, noise, sample, parts, white, num_threads=1):
    """Return the `Step` that `denoise` takes; `told` are levels in the unit of the image.

    `sample` and `parts` are as in `choose_step`; what is asked for was checked.
    """
    count = len(sample)
    if told is not None and len(told) not in (1, count):
        raise ValueError(f"sigma must be one number or {count}, got {len(told)}")
    if told is not None and not any(told):
        return copied()
    if not isinstance(model, str):
        return bank_step(model, sample)
    gray = is_gray(sample) and all(is_gray(part) for part in parts())
    levels = None if told is None else [check_sigma(level, white) for level in told]
    if isinstance(noise, PhotonNoise):
        noise = noise.times(GRAY_LEVELS / white)
    if not gray or (levels is not None and len(set(levels)) > 1):
        return choose_step(model, sample, parts, levels, noise, num_threads)

    def first():
        return (part[:1] for part in parts())

    levels = levels and levels[:1]
    return repeated(choose_step(model, sample[:1], first, levels, noise, num_threads))


def is_gray(channels):
    """Whether there are three channels, all alike: noise that is in all of them is in the luma."""
    first, *others = (channel.array for channel in channels)
    return len(others) == 2 and all(all_equal(first, other) for other in others)


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
    (Donoho and Johnstone, 1994), as `skimage.restoration.estimate_sigma`; no more than the width
    of the narrowest peak that has a fifth of the histogram, which is at least that of the noise:
    of text and dithers, whose edges are everywhere. Fine texture counts as noise: expect up to two
    gray levels too much. Noise that was clipped at black or white is
    missing: on dark pictures of 8 bits expect too little. `denoise` takes it into account.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr.noise import add_gaussian_noise
    >>> noisy = add_gaussian_noise(np.full((128, 128), 100.0), sigma=20, seed=0)
    >>> bool(abs(estimate_sigma(noisy) - 20) < 1)
    True
    """
    return mean_level(as_channels(image, channel_axis, GRAY_LEVELS, white_matters=False))


def white_level(image: ArrayLike, *, white: float = GRAY_LEVELS, mixed: bool = False) -> float:
    """Return the level that `denoise` finds where noise is white.

    `estimate_sigma`, less where it may be texture, more where integers clipped it, 0 of drawings:
    of a gray image, in its unit, as `white`; see `level_of`.
    """
    (channel,) = sample_of(as_channels(image, None, white, white_matters=False))
    level, sure = level_of(channel, mixed=mixed)
    return level * sure / channel.factor
