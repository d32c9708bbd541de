"""Bicubic resizing with MATLAB's kernel: a = -0.5, antialiased where an image becomes smaller."""

from contextlib import ExitStack
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.blocks import over_blocks
from raisr.validate import sink_of_rows, whole_number

__all__ = ["bicubic_weights", "enlarge_bicubic", "resize_bicubic"]

_REACH = 2  # of the kernel, in pixels of the coarser image
_NOTHING = np.empty((0, 0), np.float32)


def resize_bicubic(
    image: ArrayLike,
    factor: float | Fraction,
    shape: tuple[int, int] | None = None,
    siting: tuple[float, float] = (0.5, 0.5),
) -> NDArray[np.float64]:
    """Enlarge or reduce an image, as MATLAB's ``imresize(image, factor, "bicubic")``.

    Parameters
    ----------
    image : (H, W) array_like
        Any real dtype.
    factor : float or Fraction
        Positive; below 1 the kernel is widened by its inverse, so that nothing aliases.
    shape : (int, int), optional
        Height and width of the result. Default: sides times `factor`, rounded up.
    siting : (float, float)
        Where samples lie between the upper and the lower, the left and the right edge of their
        pixels, in the image and in the result: from 0 to 1, 1/2 in the middle.

    Returns
    -------
    (h, w) float64 array
        Neither rounded nor clipped. The upper left corners of the first pixels coincide.

    Raises
    ------
    ValueError
        For another number of dimensions, an empty image, or a factor that is not positive.

    Notes
    -----
    Borders are mirrored, the outermost pixels repeated.

    References
    ----------
    Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981.

    Examples
    --------
    >>> resize_bicubic([[0.0, 0.0, 64.0, 64.0]], 2)[0].round(2).tolist()
    [0.0, -1.5, -4.5, 13.0, 51.0, 68.5, 65.5, 64.0]
    """
    array = np.asarray(image, np.float64)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"image must be (H, W) and not empty, got shape {array.shape}")
    if not 0 < factor < np.inf:
        raise ValueError(f"factor must be positive and finite, got {factor!r}")
    lengths = tuple(-int(-side * Fraction(factor) // 1) for side in array.shape)
    for axis, length in enumerate(lengths if shape is None else shape):
        array = _along(array, axis, factor, length, siting[axis])
    return array


def _along(array, axis, factor, length, place):
    places, weights = _taps(array.shape[axis], factor, length, place)
    lines = np.moveaxis(array, axis, 0)
    result = np.zeros((length, lines.shape[1]))
    for place, weight in zip(places.T, weights.T, strict=True):
        result += weight[:, None] * lines[place]
    return np.moveaxis(result, 0, axis)


def _taps(side, factor, length, place):
    """Return which pixels each of `length` new ones is made of, and their weights."""
    spread = max(1.0, 1 / float(factor))
    centres = (np.arange(length) + place) / float(factor) - place
    first = np.floor(centres - _REACH * spread).astype(np.int64)
    places = first[:, None] + np.arange(int(np.ceil(2 * _REACH * spread)) + 2)
    weights = _kernel((centres[:, None] - places) / spread)
    weights /= weights.sum(axis=1, keepdims=True)
    places %= 2 * side
    return np.minimum(places, 2 * side - 1 - places), weights


def _kernel(x):
    """Keys' cubic with a = -0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < _REACH, far, 0.0))


def bicubic_weights(factor: int, place: float = 0.5) -> NDArray[np.float64]:
    """Return the weights of 5 pixels in a row for each of the `factor` pixels in the middle one.

    Samples lie at `place`, 0 to 1/2, between the edges of their pixels; see `resize_bicubic`.

    Examples
    --------
    >>> bicubic_weights(2)[0].tolist()
    [-0.0234375, 0.2265625, 0.8671875, -0.0703125, 0.0]
    """
    count = whole_number(factor)
    if count is None or count < 1:
        raise ValueError(f"factor must be a positive whole number, got {factor!r}")
    centres = (np.arange(count) + place) / count - place
    return _kernel(centres[:, None] - np.arange(-_REACH, _REACH + 1))


def enlarge_bicubic(
    images, factor, outs, data_range, num_threads, *, base=_NOTHING, siting=(0.5, 0.5)
):
    """Enlarge GrayImages of one shape by a whole factor, and add them to `base`, if there is one.

    Parameters
    ----------
    images : sequence of GrayImage
    factor : int
    outs : sequence of (factor H, factor W) arrays
        Written in place.
    data_range : float or None
        Value of white in `outs`.
    num_threads : int
    base : (factor H, factor W) float32 array, optional
        Gray levels.
    siting : (float, float)
        That of `resize_bicubic`, from 0 to 1/2.
    """
    from raisr.kernels.cubic import cubic_rows
    from raisr.simd import token

    down, across = (bicubic_weights(factor, place).astype(np.float32) for place in siting)
    sources = tuple(image.source for image in images)

    def block(y0, y1):
        rows = factor * y0, factor * y1
        with ExitStack() as stack:
            sinks = tuple(stack.enter_context(sink_of_rows(out, *rows, data_range)) for out in outs)
            cubic_rows(token(factor), sources, down, across, base, sinks, y0, y1)

    over_blocks(block, images[0].shape, num_threads)
