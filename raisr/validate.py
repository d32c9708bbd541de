"""The only place that looks at dtypes, axes, ranges and NaN."""

import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = [
    "GRAY_LEVELS",
    "GrayImage",
    "as_channels",
    "as_image",
    "check_sigma",
    "check_threads",
    "data_range_of",
    "restore",
    "sink_of",
]

GRAY_LEVELS = 255.0
"""White in the internal unit: every plane is float32, 0 black, 255 white."""

_FLOATS = (np.float16, np.float32, np.float64)
_INTEGERS = (np.uint8, np.uint16)
_CHECKED_PIXELS = 1 << 16


def _as_array(image, name):
    array = np.asarray(image)
    if array.dtype.type not in _FLOATS + _INTEGERS:
        raise TypeError(
            f"{name} must be uint8, uint16, float16, float32 or float64, got {array.dtype}"
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if not (array.dtype.isnative and array.flags.aligned):
        return array.astype(array.dtype.newbyteorder("="))
    return array


def data_range_of(dtype, data_range=None):
    """Return the value of white: `data_range`, the integer type's maximum, or 1.0 for floats."""
    if data_range is None:
        dtype = np.dtype(dtype)
        return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0
    value = float(data_range)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"data_range must be positive and finite, got {data_range!r}")
    return value


@dataclass(frozen=True)
class GrayImage:
    """A checked image, turned to gray levels where it is read.

    Parameters
    ----------
    array : (H, W) array
        Pixels in the unit and dtype of the caller.
    factor : float
        Gray levels of one unit.
    """

    array: np.ndarray
    factor: float = 1.0

    @property
    def shape(self):
        """Height and width."""
        return self.array.shape

    @cached_property
    def source(self):
        """Pixels as `raisr.kernels.pixels.read_row` takes them; valid as long as the image."""
        from raisr.kernels.pixels import KINDS

        address, kind = self.array.ctypes.data, KINDS[self.array.dtype.name]
        return (address, *self.shape, *self.array.strides, kind, float(self.factor))

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


def as_image(image, data_range=None, name="image"):
    """Check a two-dimensional image.

    Parameters
    ----------
    image : (H, W) array_like
        uint8, uint16, float16, float32 or float64, any memory layout; never changed.
    data_range : float, optional
        Value of white; see `data_range_of`.
    name : str
        What error messages call it.

    Returns
    -------
    GrayImage

    Raises
    ------
    TypeError
        For any other dtype.
    ValueError
        For a wrong number of dimensions, an empty image, NaN or infinity.
    """
    array = _as_array(image, name)
    if array.ndim != 2:
        raise ValueError(f"{name} must have two dimensions (H, W), got shape {array.shape}")
    return _checked([array], data_range, name, lambda _, row, column: (row, column))[0]


def as_channels(image, channel_axis, data_range=None, name="image"):
    """Check an image and return its channels, a list of GrayImage; one without an axis."""
    if channel_axis is None:
        return [as_image(image, data_range, name)]
    array = _as_array(image, name)
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have three dimensions with channel_axis={channel_axis}, "
            f"got shape {array.shape}"
        )
    if not isinstance(channel_axis, int | np.integer) or not -3 <= channel_axis < 3:
        raise ValueError(f"channel_axis must be from -3 to 2, got {channel_axis!r}")

    def where(channel, row, column):
        place = [row, column]
        place.insert(channel_axis % 3, channel)
        return tuple(place)

    return _checked(list(np.moveaxis(array, channel_axis, 0)), data_range, name, where)


def _checked(planes, data_range, name, where):
    factor = GRAY_LEVELS / data_range_of(planes[0].dtype, data_range)
    images = [GrayImage(plane, factor) for plane in planes]
    if planes[0].dtype.kind == "f":
        for channel, image in enumerate(images):
            _refuse_not_finite(image, name, lambda *place, c=channel: where(c, *place))
    return images


def _refuse_not_finite(image, name, where):
    rows = max(1, _CHECKED_PIXELS // image.shape[1])
    block = np.empty((min(rows, image.shape[0]), image.shape[1]), np.float32)
    for start in range(0, image.shape[0], rows):
        part = block[: min(rows, image.shape[0] - start)]
        with np.errstate(over="ignore", invalid="ignore"):
            image.read(slice(start, start + rows), part)
            if np.isfinite(part.sum(dtype=np.float64)):
                continue
        bad = np.argwhere(~np.isfinite(part))
        if bad.size:
            row, column = start + int(bad[0, 0]), int(bad[0, 1])
            value = image.array[row, column]
            problem = "too large for float32" if np.isfinite(value) else "not finite"
            raise ValueError(f"{name} is {problem} at {where(row, column)}: {value}")


def sink_of(array, data_range=None):
    """Return an image that gray levels go to, as `raisr.kernels.pixels.write_row` takes it."""
    from raisr.kernels.pixels import KINDS

    factor = data_range_of(array.dtype, data_range) / GRAY_LEVELS
    return (array.ctypes.data, *array.strides, KINDS[array.dtype.name], factor)


def restore(plane, dtype, data_range=None):
    """Return gray levels in the unit and dtype of the caller's image.

    Integers are rounded to nearest (halves to even) and clipped to the type's range; floats are
    neither rescaled nor clipped. `plane` may be overwritten.
    """
    dtype = np.dtype(dtype)
    white = data_range_of(dtype, data_range)
    if white != GRAY_LEVELS:
        plane *= np.float32(white / GRAY_LEVELS)
    if dtype.kind == "u":
        np.rint(plane, out=plane)
        np.clip(plane, 0, np.iinfo(dtype).max, out=plane)
    return plane.astype(dtype, copy=False)


def check_sigma(sigma, white):
    """Return the noise level in gray levels, from the image's own unit."""
    value = float(sigma)
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"sigma must be finite and not negative, got {sigma!r}")
    return value * GRAY_LEVELS / white


def check_threads(num_threads):
    """Return the number of threads: the argument, or every core this process may use."""
    if num_threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if isinstance(num_threads, bool) or int(num_threads) != num_threads or num_threads < 1:
        raise ValueError(f"num_threads must be a positive whole number, got {num_threads!r}")
    return int(num_threads)
