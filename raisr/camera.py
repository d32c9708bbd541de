"""A synthetic camera: what happens to a picture between the lens and the file."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.validate import real_array, real_number

__all__ = ["DEMOSAICS", "SUBSAMPLINGS", "add_camera_noise"]

DEMOSAICS = ("bilinear", "edge")
"""How missing colours of a Bayer mosaic can be filled in."""

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
"""How many samples of chroma a JPEG can keep: all, every second along rows, one of 2 x 2."""

_WHITE = 255.0
_SINGULAR = 1e6  # of a matrix, by its condition number
_MOST = np.finfo(np.float64).max
_BINOMIAL = np.array([0.25, 0.5, 0.25])
_COARSER = 0.5  # of a threshold for details, from one scale to the next


def add_camera_noise(
    image: ArrayLike,
    gain: float,
    seed: int | Sequence[int] | np.random.Generator,
    *,
    read_noise: float = 0.0,
    white_balance: Sequence[float] = (1.0, 1.0, 1.0),
    colour_matrix: ArrayLike | None = None,
    gamma: float | None = 2.2,
    contrast: float = 0.0,
    demosaic: str | None = "bilinear",
    chroma_smoothing: float = 0.0,
    noise_reduction: float = 0.0,
    smoothing: float = 0.0,
    quality: int | None = 92,
    subsampling: str = "4:2:0",
) -> NDArray[np.uint8]:
    """Take a noisy photograph of an image, as a camera would.

    The tone curve and the colour matrix are undone; the sensor adds noise,
    ``gain * light + read_noise ** 2`` being its variance, behind a Bayer mosaic (RGGB); colours
    are filled in; colour matrix and tone curve are applied; the camera adds contrast, smooths
    chroma, takes faint details for noise, and smooths all or sharpens; the picture is rounded and
    goes through JPEG. The steps, without those after the tone curve, are those of Brooks et al.,
    CVPR 2019.

    Parameters
    ----------
    image : (H, W, 3) array_like
        RGB on 0..255; both sides at least 2.
    gain : float
        Variance of light of 1 (white): the inverse of the number of electrons there.
    seed : int, sequence of int or numpy.random.Generator
        What `numpy.random.default_rng` takes.
    read_noise : float
        Standard deviation in the dark, white being 1.
    white_balance : sequence of three float
        By what red, green and blue are amplified behind the sensor, which gets as much less light.
    colour_matrix : (3, 3) array_like, optional
        From the sensor's colours to red, green and blue, so that a row whose sum is 1 keeps gray.
        Numbers below 0 beside the diagonal make colours, and the noise of chroma, stronger.
        None: they are the same.
    gamma : float, optional
        Exponent of the tone curve; None: the image is linear.
    contrast : float
        Share, 0 to 1, of an S, ``3 x ** 2 - 2 x ** 3``, that is mixed in behind the tone curve. It
        is not undone before: it changes a picture without noise, too.
    demosaic : {"bilinear", "edge"}, optional
        "edge" fills in green along the weaker gradient, red and blue by their difference to
        green; None: every pixel has a sensor for each colour.
    chroma_smoothing : float
        Standard deviation, in pixels, of a Gaussian that blurs what differs from the mean of red,
        green and blue.
    noise_reduction : float
        By how many gray levels details of luma and chroma are made smaller, down to nothing, at the
        finest scale; by half of it at the next one (thresholded wavelets).
    smoothing : float
        Share, 0 to 1, of a 3x3 binomial blur that is mixed in; from -1 to 0 it is taken away,
        which sharpens.
    quality : int, optional
        Of JPEG, 1 to 95, by Pillow; None: no JPEG.
    subsampling : {"4:4:4", "4:2:2", "4:2:0"}
        Of chroma in the JPEG.

    Returns
    -------
    (H, W, 3) uint8 array

    Raises
    ------
    TypeError
        For an image that is not of real numbers.
    ValueError
        For another shape or a parameter outside of its range.

    Examples
    --------
    >>> photo = add_camera_noise(np.full((16, 16, 3), 128), gain=0.01, seed=0)
    >>> photo.shape, photo.dtype
    ((16, 16, 3), dtype('uint8'))
    """
    light = real_array(image, np.float64) / _WHITE
    _check_light(light, gain, read_noise, white_balance)
    _check_picture(gamma, demosaic, subsampling)
    _check_strengths(contrast, chroma_smoothing, noise_reduction, smoothing)
    to_picture = _to_picture(white_balance, colour_matrix)
    light = np.clip(light, 0, 1) if gamma is None else np.clip(light, 0, 1) ** gamma
    light = (light @ np.linalg.inv(to_picture).T).clip(0)  # colours that no sensor sees
    rng = np.random.default_rng(seed)
    seen = light if gain == 0 else rng.poisson(light / gain) * gain
    seen = seen + read_noise * rng.standard_normal(light.shape)
    balance = np.asarray(white_balance, np.float64)
    if demosaic is not None:
        seen = _demosaic(seen * balance, demosaic) / balance
    picture = np.clip(seen @ to_picture.T, 0, 1)
    picture = picture if gamma is None else picture ** (1 / gamma)
    if contrast:
        picture += contrast * (picture**2 * (3 - 2 * picture) - picture)
    if chroma_smoothing:
        picture = _with_smooth_chroma(picture, chroma_smoothing)
    if noise_reduction:
        picture = _without_faint_details(picture, noise_reduction / _WHITE)
    if smoothing:
        picture += smoothing * (_blurred(picture, _BINOMIAL) - picture)
    pixels = np.rint(picture.clip(0, 1) * _WHITE).astype(np.uint8)
    return pixels if quality is None else _through_jpeg(pixels, quality, subsampling)


def _to_picture(white_balance, colour_matrix):
    """Return the matrix from what each kind of sensor counts to red, green and blue."""
    matrix = np.eye(3) if colour_matrix is None else real_array(colour_matrix, np.float64)
    usable = matrix.shape == (3, 3) and np.isfinite(matrix).all()
    if not (usable and np.linalg.cond(matrix) < _SINGULAR):
        raise ValueError(f"colour_matrix must be 3 x 3 and have an inverse, got {colour_matrix!r}")
    return matrix * white_balance


def _check_light(light, gain, read_noise, white_balance):
    if light.ndim != 3 or light.shape[2] != 3 or min(light.shape[:2]) < 2:
        raise ValueError(
            f"image must have shape (H, W, 3) with sides of at least 2, got {light.shape}"
        )
    for name, value in (("gain", gain), ("read_noise", read_noise)):
        if not 0 <= real_number(value) < np.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value!r}")
    if np.shape(white_balance) != (3,) or not all(
        0 < real_number(v) < np.inf for v in white_balance
    ):
        raise ValueError(f"white_balance must be three positive numbers, got {white_balance!r}")


def _check_picture(gamma, demosaic, subsampling):
    if gamma is not None and not 0 < real_number(gamma) < np.inf:
        raise ValueError(f"gamma must be positive and finite, or None, got {gamma!r}")
    if demosaic is not None and demosaic not in DEMOSAICS:
        raise ValueError(f"demosaic must be one of {DEMOSAICS} or None, got {demosaic!r}")
    if subsampling not in SUBSAMPLINGS:
        raise ValueError(f"subsampling must be one of {SUBSAMPLINGS}, got {subsampling!r}")


def _check_strengths(contrast, chroma_smoothing, noise_reduction, smoothing):
    for name, value, low, high, wanted in (
        ("contrast", contrast, 0, 1, "from 0 to 1"),
        ("chroma_smoothing", chroma_smoothing, 0, _MOST, "finite and not negative"),
        ("noise_reduction", noise_reduction, 0, _MOST, "finite and not negative"),
        ("smoothing", smoothing, -1, 1, "from -1 to 1"),
    ):
        if not low <= real_number(value) <= high:
            raise ValueError(f"{name} must be {wanted}, got {value!r}")


def _with_smooth_chroma(picture, sigma):
    from scipy.ndimage import gaussian_filter

    luma = picture.mean(axis=2, keepdims=True)
    return luma + gaussian_filter(picture - luma, (sigma, sigma, 0), mode="mirror")


def _without_faint_details(picture, threshold):
    luma = picture.mean(axis=2, keepdims=True)
    planes = np.concatenate([luma, picture - luma], axis=2)
    kept = np.zeros_like(planes)
    for taps in (_BINOMIAL, _apart(_BINOMIAL)):
        coarse = _blurred(planes, taps)
        details = planes - coarse
        kept += details - details.clip(-threshold, threshold)
        planes, threshold = coarse, _COARSER * threshold
    planes += kept
    return planes[..., :1] + planes[..., 1:]


def _apart(taps):
    """Return taps for every second pixel."""
    spread = np.zeros(2 * len(taps) - 1)
    spread[::2] = taps
    return spread


def _blurred(planes, taps):
    """Filter along rows and columns, mirrored at the borders; channels come last."""
    from scipy.ndimage import correlate1d

    return correlate1d(correlate1d(planes, taps, 0, mode="mirror"), taps, 1, mode="mirror")


def _sites(shape):
    """Return where each colour has its sensors, (H, W, 3) bool: RGGB."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    red, blue = (rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)
    return np.stack([red, ~(red | blue), blue], axis=-1)


def _filled(values, sites):
    """Means of the neighbours that were seen, by the bilinear weights; seen values stay."""
    weights = _blurred(sites.astype(np.float64), _BINOMIAL)
    return np.where(sites, values, _blurred(values * sites, _BINOMIAL) / weights)


def _demosaic(light, method):
    """Keep one colour a pixel and fill in the others."""
    sites = _sites(light.shape)
    if method == "bilinear":
        return _filled(light, sites)
    green = _green_along_edges((light * sites).sum(axis=2), sites[..., 1])
    # Colours differ from green by little that is sharp.
    difference = _filled(light - green[..., None], sites)
    return np.dstack([green + difference[..., 0], green, green + difference[..., 2]])


def _green_along_edges(raw, sites):
    """Green where it was not seen: along the direction of less change (Hamilton and Adams)."""
    padded = np.pad(raw, 2, mode="reflect" if min(raw.shape) > 2 else "symmetric")
    height, width = raw.shape

    def at(dy, dx):
        return padded[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]

    def along(dy, dx):
        bend = 2 * raw - at(-2 * dy, -2 * dx) - at(2 * dy, 2 * dx)
        change = np.abs(at(-dy, -dx) - at(dy, dx)) + np.abs(bend)
        return change, (at(-dy, -dx) + at(dy, dx)) / 2 + bend / 4

    (down, by_column), (right, by_row) = along(1, 0), along(0, 1)
    found = np.where(down < right, by_column, np.where(right < down, by_row, 0))
    found = np.where(down == right, (by_column + by_row) / 2, found)
    return np.where(sites, raw, found)


def _through_jpeg(pixels, quality, subsampling):
    from PIL import Image

    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "JPEG", quality=quality, subsampling=subsampling)
    return np.array(Image.open(memory).convert("RGB"))
