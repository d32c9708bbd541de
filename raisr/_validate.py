"""The only place that looks at dtypes, axes, ranges and NaN."""

import os

import numpy as np

__all__ = [
    "GRAY_LEVELS",
    "as_plane",
    "as_planes",
    "check_sigma",
    "check_threads",
    "data_range_of",
    "restore",
]

GRAY_LEVELS = 255.0
"""White in the internal unit: every plane is float32, 0 black, 255 white."""

_FLOATS = (np.float16, np.float32, np.float64)
_INTEGERS = (np.uint8, np.uint16)


def _as_array(image, name):
    array = np.asarray(image)
    if array.dtype.type not in _FLOATS + _INTEGERS:
        raise TypeError(
            f"{name} must be uint8, uint16, float16, float32 or float64, got {array.dtype}"
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
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


def _gray_levels(array, data_range, name, channel_axis=None):
    white = data_range_of(array.dtype, data_range)
    planes = array if channel_axis is None else np.moveaxis(array, channel_axis, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        plane = np.ascontiguousarray(planes, dtype=np.float32)
        if white != GRAY_LEVELS:
            fresh = not np.may_share_memory(plane, array)
            plane = np.multiply(
                plane, np.float32(GRAY_LEVELS / white), out=plane if fresh else None
            )
        if array.dtype.kind == "f" and not np.isfinite(plane.sum(dtype=np.float64)):
            _refuse_not_finite(array, plane, name, channel_axis)
    return plane


def _refuse_not_finite(array, plane, name, channel_axis):
    if channel_axis is not None:
        plane = np.moveaxis(plane, 0, channel_axis)
    bad = np.argwhere(~np.isfinite(plane))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        problem = "too large for float32" if np.isfinite(array[where]) else "not finite"
        raise ValueError(f"{name} is {problem} at {where}: {array[where]}")


def as_plane(image, data_range=None, name="image"):
    """Return a two-dimensional image in gray levels.

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
    plane : (H, W) float32, C-contiguous
        May share memory with `image`.

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
    return _gray_levels(array, data_range, name)


def as_planes(image, channel_axis, data_range=None, name="image"):
    """Return the channels of an image in gray levels: (C, H, W) float32, C = 1 without an axis."""
    array = _as_array(image, name)
    if channel_axis is None:
        return as_plane(array, data_range, name)[np.newaxis]
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have three dimensions with channel_axis={channel_axis}, "
            f"got shape {array.shape}"
        )
    if not -3 <= channel_axis < 3:
        raise ValueError(f"channel_axis must be from -3 to 2, got {channel_axis}")
    return _gray_levels(array, data_range, name, channel_axis)


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
