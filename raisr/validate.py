"""The only place that looks at dtypes, axes, ranges and NaN.

White is that of the image for all that goes with it. Without `data_range` it follows from the
image's type, and a companion (guide, target) of a type with another white is a TypeError. Floats
whose values show that white is something else are a UserWarning: see `raisr.value_range`.
"""

import numbers
import operator
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from raisr.value_range import GRAY_LEVELS, fitting, look_at, sampled_places
from raisr.warn import warn_caller

__all__ = [
    "GRAY_LEVELS",
    "GrayImage",
    "as_channels",
    "as_companion",
    "as_image",
    "check_dtype",
    "check_sigma",
    "check_threads",
    "data_range_of",
    "misfit",
    "native",
    "real_array",
    "real_number",
    "refuse_not_finite",
    "restore",
    "sink_of",
    "sink_of_rows",
    "whole_number",
]

_FLOATS = (np.float16, np.float32, np.float64)
_INTEGERS = (np.uint8, np.uint16)
_CHECKED_PIXELS = 1 << 16
_FLOAT_MAX = float(np.finfo(np.float32).max)


def check_dtype(dtype, name="image"):
    """Refuse pixels of a type that is not supported."""
    if np.dtype(dtype).type not in _FLOATS + _INTEGERS:
        raise TypeError(
            f"{name} must be uint8, uint16, float16, float32 or float64, got {np.dtype(dtype)}"
        )


def native(array):
    """Return an array as kernels read it: in the machine's byte order, aligned."""
    if array.dtype.isnative and array.flags.aligned:
        return array
    return array.astype(array.dtype.newbyteorder("="))


def _as_array(image, name):
    if np.ma.is_masked(image):
        raise TypeError(f"{name} has masked pixels: fill them first, as by image.filled(value)")
    array = np.asarray(image)
    check_dtype(array.dtype, name)
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    return native(array)


def data_range_of(dtype, data_range=None):
    """Return the value of white: `data_range`, the integer type's maximum, or 1.0 for floats."""
    if data_range is None:
        dtype = np.dtype(dtype)
        return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0
    value = real_number(data_range)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"data_range must be positive and finite, got {data_range!r}")
    return value


def real_array(image: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """Return an image of any real type and shape as an array of another type.

    Raises
    ------
    TypeError
        If it is not of real numbers.
    """
    if (given := np.asarray(image)).dtype.kind not in "buif":
        raise TypeError(f"image must be of real numbers, got {given.dtype}")
    return np.asarray(given, dtype)


def real_number(value):
    """Return a number as float; NaN for what is none, True and False included."""
    value = value.item() if isinstance(value, np.generic | np.ndarray) and not value.ndim else value
    return float(value) if isinstance(value, numbers.Real) and type(value) is not bool else np.nan


def whole_number(value):
    """Return a whole number of any type as int; None for everything else, True included."""
    if isinstance(value, bool | np.bool_ | np.ndarray):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _row_blocks(shape):
    """Slices of rows with few enough pixels to stay in the cache."""
    rows = max(1, _CHECKED_PIXELS // shape[1])
    return [slice(start, min(start + rows, shape[0])) for start in range(0, shape[0], rows)]


@dataclass(frozen=True)
class GrayImage:
    """A checked image, turned to gray levels where it is read.

    Parameters
    ----------
    array : (H, W) array
        Pixels in the unit and dtype of the caller.
    factor : float
        Gray levels of one unit.
    pedestal : float
        What to take from every pixel of an image that lies far from [0, white], in its unit, so
        that its median is in the middle; see `levelled`.
    """

    array: np.ndarray
    factor: float = 1.0
    pedestal: float = 0.0

    @property
    def shape(self):
        """Height and width."""
        return self.array.shape

    @cached_property
    def source(self):
        """Pixels as `raisr.kernels.pixels.read_row` takes them; valid as long as the image."""
        from raisr.kernels.pixels import source_at

        array = self.array
        return source_at(array.ctypes.data, array.shape, array.strides, array.dtype, self.factor)

    def read(self, rows, out):
        """Write the rows of an index to `out`, (n, W) float32."""
        np.copyto(out, self.array[rows], casting="unsafe")
        if self.factor != 1:
            out *= np.float32(self.factor)

    def plane(self):
        """Return the whole image in gray levels, (H, W) float32; it may share memory."""
        if self.array.dtype == np.float32 and self.factor == 1:
            return np.ascontiguousarray(self.array)
        out = np.empty(self.shape, np.float32)
        self.read(slice(None), out)
        return out

    def levelled(self):
        """Return the image without its pedestal; itself where there is none."""
        if self.pedestal == 0:
            return self
        plane = np.empty(self.shape, np.float32)
        for rows in _row_blocks(self.shape):
            # In float64: what is left may be far smaller than the pedestal.
            part = np.subtract(self.array[rows], self.pedestal, dtype=np.float64)
            part *= self.factor
            plane[rows] = part.clip(-_FLOAT_MAX, _FLOAT_MAX)
        return GrayImage(plane)

    def put_back(self, plane, out, data_range):
        """Write what became of the `levelled` image, gray levels, to `out`, with the pedestal.

        Integers are rounded and clipped, as everywhere, and floats kept finite.
        """
        unit = data_range_of(out.dtype, data_range) / GRAY_LEVELS
        for rows in _row_blocks(self.shape):
            part = np.multiply(plane[rows], unit, dtype=np.float64)
            part += self.pedestal
            out[rows] = fitting(part, out.dtype)


def as_image(image, data_range=None, name="image", *, white_matters=True, warn=warn_caller):
    """Check a two-dimensional image.

    Parameters
    ----------
    image : (H, W) array_like
        uint8, uint16, float16, float32 or float64, any memory layout; never changed.
    data_range : float, optional
        Value of white; see `data_range_of`.
    name : str
        What error messages call it.
    white_matters : bool
        Whether the values must fit white: warn where they do not, find a pedestal.
    warn : callable
        Takes the message where they do not.

    Returns
    -------
    GrayImage

    Raises
    ------
    TypeError
        For any other dtype.
    ValueError
        For a wrong number of dimensions, an empty image, NaN or infinity.

    Warns
    -----
    UserWarning
        Where the values do not fit white.
    """
    array = _as_array(image, name)
    if array.ndim != 2:
        hint = f"; {_colour_hint(array.shape)}" if array.ndim == 3 else ""
        raise ValueError(f"{name} must have two dimensions (H, W), got shape {array.shape}{hint}")
    return _checked([array], data_range, name, lambda _, *place: place, white_matters, warn)[0]


def _likely_axis(shape):
    return min((-1, 0, 1), key=lambda axis: shape[axis])


def _colour_hint(shape):
    axis = _likely_axis(shape)
    one = ["..., 0", "0", ":, 0"][axis + 1]
    return (
        f"of a colour image, pass one channel, as in image[{one}], or all of them to denoise or "
        f"learn_filters with channel_axis={axis}"
    )


def as_companion(image, first, data_range, name):
    """Check an image that goes with `first`, a GrayImage: it has one white with it.

    Raises
    ------
    TypeError, ValueError
        As `as_image`; and TypeError where, without `data_range`, its type means another white.
    """
    array, dtype = _as_array(image, name), first.array.dtype
    if data_range is None and data_range_of(array.dtype) != data_range_of(dtype):
        raise TypeError(
            f"{name} is {array.dtype} where the image that it goes with is {dtype}: pass "
            "data_range, the value of white in both, or both in one type"
        )
    return as_image(array, data_range, name)


def as_channels(
    image, channel_axis, data_range=None, name="image", *, white_matters=True, warn=warn_caller
):
    """Check an image and return its channels, a list of GrayImage; one without an axis.

    Other arguments are as in `as_image`.
    """
    array = _as_array(image, name)
    if channel_axis is None:
        if array.ndim == 3:
            raise ValueError(
                f"{name} must have two dimensions (H, W), got shape {array.shape}; of a colour "
                "image, pass the axis of the channels, as in "
                f"channel_axis={_likely_axis(array.shape)}"
            )
        return [as_image(array, data_range, name, white_matters=white_matters, warn=warn)]
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have three dimensions with channel_axis={channel_axis}, "
            f"got shape {array.shape}"
        )
    axis = whole_number(channel_axis)
    if axis is None or not -3 <= axis < 3:
        raise ValueError(f"channel_axis must be from -3 to 2, got {channel_axis!r}")

    def where(channel, row, column):
        place = [row, column]
        place.insert(axis % 3, channel)
        return tuple(place)

    return _checked(list(np.moveaxis(array, axis, 0)), data_range, name, where, white_matters, warn)


def _checked(planes, data_range, name, where, white_matters, warn):
    dtype = planes[0].dtype
    factor = GRAY_LEVELS / data_range_of(dtype, data_range)
    images = [GrayImage(plane, factor) for plane in planes]
    refuse_not_finite(images, name, where)
    if not (dtype.kind == "f" or white_matters):
        return images
    told, places = data_range is not None, sampled_places(planes[0].shape)
    found = [look_at(plane[places], factor, told) for plane in planes]
    if white_matters and any(far for _, far in found):
        warn(misfit(name, dtype, data_range))
    return [replace(i, pedestal=p) if p else i for i, (p, _) in zip(images, found, strict=True)]


def misfit(name, dtype, data_range):
    """Return what to say of values that do not fit white."""
    if data_range is not None:
        return f"{name} has values that do not fit data_range={data_range:g}, the value of white"
    return (
        f"{name} has values far above white, which is {data_range_of(dtype):g} for {dtype}: pass "
        "data_range, the value of white (255 for floats on 0..255)"
    )


def refuse_not_finite(images, name, where):
    """Raise ValueError for NaN, infinity, and what float32 cannot hold, in a list of GrayImage.

    ``where(channel, row, column)`` is the place in the caller's array.
    """
    for channel, image in enumerate(images):
        if image.array.dtype.kind == "f":
            _refuse_not_finite(image, name, lambda *place, c=channel: where(c, *place))


def _refuse_not_finite(image, name, where):
    blocks = _row_blocks(image.shape)
    block = np.empty((blocks[0].stop, image.shape[1]), np.float32)
    for rows in blocks:
        part = block[: rows.stop - rows.start]
        with np.errstate(over="ignore", invalid="ignore"):
            image.read(rows, part)
            if np.isfinite(part.sum(dtype=np.float64)):
                continue
        bad = np.argwhere(~np.isfinite(part))
        if bad.size:
            row, column = rows.start + int(bad[0, 0]), int(bad[0, 1])
            value = image.array[row, column]
            problem = "too large for float32" if np.isfinite(value) else "not finite"
            raise ValueError(f"{name} is {problem} at {where(row, column)}: {value}")


def sink_of(array, data_range=None):
    """Return an image that gray levels go to, as `raisr.kernels.pixels.write_row` takes it."""
    from raisr.kernels.pixels import sink_at

    factor = data_range_of(array.dtype, data_range) / GRAY_LEVELS
    return sink_at(array.ctypes.data, array.strides, array.dtype, factor)


@contextmanager
def sink_of_rows(array, y0, y1, data_range=None):
    """Give a sink for some rows of an image of any type; no kernel can write float16."""
    if array.dtype != np.float16:
        yield sink_of(array, data_range)
        return
    rows = np.empty((y1 - y0, array.shape[1]), np.float32)
    address, step, *rest = sink_of(rows, data_range)
    yield (address - y0 * step, step, *rest)
    array[y0:y1] = fitting(rows, array.dtype)


def restore(plane, dtype, data_range=None):
    """Return gray levels in the unit and dtype of the caller's image.

    Integers are rounded to nearest (halves to even) and clipped to the type's range; floats are
    neither rescaled nor clipped, unless float16 cannot hold them. `plane` may be overwritten.
    """
    dtype = np.dtype(dtype)
    white = data_range_of(dtype, data_range)
    if white != GRAY_LEVELS:
        plane *= np.float32(white / GRAY_LEVELS)
    return fitting(plane, dtype).astype(dtype, copy=False)


def check_sigma(sigma, white):
    """Return the noise level in gray levels, from the image's own unit."""
    value = real_number(sigma)
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"sigma must be finite and not negative, got {sigma!r}")
    return value * GRAY_LEVELS / white


def check_threads(num_threads):
    """Return the number of threads: the argument, or every core this process may use."""
    if num_threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    threads = whole_number(num_threads)
    if threads is None or threads < 1:
        raise ValueError(f"num_threads must be a positive whole number, got {num_threads!r}")
    return threads
