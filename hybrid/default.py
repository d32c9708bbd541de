"""Denoise with a network that comes with the package, in one call."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import raisr
from hybrid.precision import check_precision
from hybrid.zoo import load
from raisr.camera_models import GAINS
from raisr.clipped_level import is_clipped, is_too_clipped
from raisr.denoising import apply_step, is_gray, step_of
from raisr.models import LARGEST
from raisr.noise_estimate import NoiseEstimate
from raisr.sampling import sample_of
from raisr.step_facts import levels_in
from raisr.validate import GRAY_LEVELS, as_channels, check_sigma, data_range_of


class Choice(NamedTuple):
    """A network, and the mean of how many of its results is taken, see `hybrid.ensemble`."""

    weights: str
    ensemble: int = 1


MODELS = {
    "small": (Choice("unet_small"), Choice("unet_small_colour")),
    "base": (Choice("unet_base"), Choice("unet_small_colour", 2)),
    "finest": (Choice("unet_base", 8), Choice("unet_small_colour", 8)),
}
"""For gray images and for three colours, for noise from 0 to 75 gray levels of 255."""

CAMERA = Choice("unet_camera_colour")
"""For a camera's noise in three colours. Beside filters, a mean of two gains next to nothing."""

_FOR_FILTERS = "copy", "few values", "photon"
_STRONGEST = 75.0  # gray levels
_shipped = lru_cache(maxsize=8)(load)  # a file of yours may change


def choice_for(channels: int, model: str = "base") -> Choice:
    """Return what `denoise` takes for an image of so many channels with white noise."""
    if model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}")
    return MODELS[model][channels == 3]


def denoise(
    image: ArrayLike,
    sigma: float | None = None,
    *,
    model: str = "base",
    weights: str | None = None,
    channel_axis: int | None = None,
    data_range: float | None = None,
    precision: str = "auto",
) -> NDArray:
    """Remove white Gaussian noise with a network that finishes what learned filters began.

    Without `sigma` and `weights`, noise of photons, as `raisr.estimate_noise` finds it, is removed
    by `raisr.denoise`, and so is that of drawings in colour, which the network has not seen; that
    of a camera by a network of its own, whatever `model` is. If colours were not filled in by means
    (see `NoiseEstimate.mosaic`), the result is the mean of this and of `raisr.denoise`, for the
    network knows synthetic cameras alone. Images of few values, such as dithers, come back as
    `raisr.denoise` gives them. Where there is no noise, nothing is changed. Told or not, noise
    above 94 gray levels of 255 that was clipped, as in 8 bits, is removed by `raisr.denoise`; where
    it was not, the network sees less contrast.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed. Noise may
        be clipped and rounded to 8 bits, as in a file of a camera, or not.
    sigma : float, optional
        Standard deviation of the noise, in the unit of the image, of all channels. Default: it is
        estimated.
    model : {"small", "base", "finest"}
        For white noise. "small" takes about half the time of "base" and is less exact. "base" is a
        larger network for gray images; for three colours it is the mean of two results of the
        small one, for the image as it is and turned. "finest" is the mean of eight, turned and
        mirrored, in about eight (gray) or four times the time of "base". Where channels share
        noise, planes are denoised as gray images; for a camera's noise there is one network.
    weights : str, optional
        Used in place of `model`, for one result: an entry of `list_weights`, or a file of weights
        that `hybrid.train` wrote.
    channel_axis : int, optional
        Axis of the channels. Three are taken for red, green and blue, and denoised in the
        opponent space; any other number, each by itself.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats.
    precision : {"auto", "float32", "bfloat16"}
        Of the network, but for its first and last layer. "auto" is bfloat16 where the processor
        multiplies it: an eighth to a quarter less time, for 0.001 dB and results that differ
        between processors.

    Returns
    -------
    out : array
        Of the shape and dtype of `image`. Integers are rounded and clipped, floats neither
        clipped nor rescaled. With the default weights, and those of EDSR or CARN, the same to the
        bit for any number of threads (`torch.set_num_threads`).

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, an empty image, NaN or infinity, a noise level that the
        network was not trained for, a damaged file of weights, or no such model or precision.
    FileNotFoundError
        There are no such weights.

    Warns
    -----
    UserWarning
        Where the values span more than from black to white or, if `data_range` is not told, lie
        far from there.

    See Also
    --------
    raisr.denoise : Learned filters: less exact, and tens of times faster.
    hybrid.load : The network itself, on any device, with a guide or with tiles of another size.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr.noise import add_gaussian_noise
    >>> clean = np.full((64, 64), 0.5)
    >>> noisy = add_gaussian_noise(clean, sigma=0.1, seed=0)
    >>> bool(np.abs(denoise(noisy) - clean).mean() < 0.2 * np.abs(noisy - clean).mean())
    True
    """
    check_precision(precision)
    options: dict[str, Any] = {"channel_axis": channel_axis, "data_range": data_range}
    if weights is not None:
        return _by_network(Choice(weights), image, sigma, precision, **options)
    channels = as_channels(image, channel_axis, data_range, white_matters=False)
    choice, axis = choice_for(len(channels), model), cast(int, channel_axis)
    of_gray = partial(denoise, sigma=sigma, model=model, data_range=data_range, precision=precision)
    if len(channels) not in (1, 3):
        planes = np.moveaxis(np.asarray(image), axis, 0)
        return np.moveaxis(np.stack([of_gray(plane) for plane in planes]), 0, axis)
    if is_gray(channels):
        first = np.moveaxis(np.asarray(image), axis, 0)[0]
        return np.moveaxis(np.stack([of_gray(first)] * 3), 0, axis)
    white = data_range_of(channels[0].array.dtype, data_range)
    if sigma is None:
        threads = torch.get_num_threads()
        step = step_of("best", None, None, sample_of(channels), lambda: [channels], white, threads)
        treatment, found = step.about["step"], cast(NoiseEstimate, step.found)
        if treatment == "mosaic":
            return _by_network(CAMERA, image, None, precision, **options)
        if treatment == "shared":  # planes are denoised one by one, each of its own level
            return _by_network(choice_for(1, model), image, None, precision, **options)
        if treatment in _FOR_FILTERS or found.is_drawn or found.kind != "white":
            filtered = apply_step(step, channels, np.shape(image), channel_axis, white, threads)
            if treatment not in GAINS:
                return filtered
            return _mean(filtered, _by_network(CAMERA, image, None, precision, **options))
        mean_square = np.mean(np.square(levels_in(step.about)))
        sigma = float(np.sqrt(mean_square)) / channels[0].factor
    level = check_sigma(sigma, white)
    if is_too_clipped(channels, level) or level > LARGEST:  # which it refuses
        return raisr.denoise(image, sigma, model="best", **options)
    if level <= _STRONGEST or is_clipped(channels):
        return _by_network(choice, image, sigma, precision, **options)
    # With less contrast, noise is the strongest that the network knows.
    middle, less = np.float32(GRAY_LEVELS / 2), np.float32(_STRONGEST / level)
    fainter = np.stack([(c.levelled().plane() - middle) * less + middle for c in channels])
    gray_levels = {"channel_axis": 0, "data_range": GRAY_LEVELS}
    done = _by_network(choice, fainter, _STRONGEST, precision, **gray_levels)
    out = np.empty(np.shape(image), channels[0].array.dtype)
    outs = [out] if channel_axis is None else np.moveaxis(out, channel_axis, 0)
    for channel, plane, target in zip(channels, done, outs, strict=True):
        channel.put_back((plane - middle) / less + middle, target, data_range)
    return out


def _by_network(
    choice: Choice,
    image: ArrayLike,
    sigma: float | None,
    precision: str,
    **options: Any,
) -> NDArray:
    weights, ensemble = choice
    network = (load if Path(weights).is_file() else _shipped)(weights, precision=precision)
    return network.denoise(image, sigma, ensemble=ensemble, **options)


def _mean(one: NDArray, other: NDArray) -> NDArray:
    mean = (one.astype(np.float64) + other) / 2
    return (mean if one.dtype.kind == "f" else np.rint(mean)).astype(one.dtype)


small = partial(denoise, model="small")
base = partial(denoise, model="base")
finest = partial(denoise, model="finest")
