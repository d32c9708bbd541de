"""What a class is: `HashSpec`, and the class map of an image."""

import math
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.blocks import over_blocks
from raisr.validate import GRAY_LEVELS, as_image, check_threads, whole_number

__all__ = ["PRESETS", "HashSpec", "check_classes", "hash_image", "resolve_spec"]

_AXES = ("orientation", "strength", "coherence")
# Edges are lowered by what the kernel's float32 comparisons may lose, so that ties go up.
_LARGEST = float(np.finfo(np.float32).max)
_BELOW = 1 - 2.0**-21


@dataclass(frozen=True)
class HashSpec:
    """Definition of the classes: everything that turns an image into a class map.

    The structure tensor is the windowed mean of the products of the central differences of the
    image on [0, 1] times `strength_scale`. With its eigenvalues ``s1 >= s2`` and its matrix
    ``[[a, b], [b, c]]`` (rows first):

    - orientation ``phi = atan2(s1 - a, b) / pi`` modulo 1: the angle of the dominant gradient
      from the row axis, in half turns (0: gradient along the rows, 0.5: along the columns);
    - strength ``sqrt(s1)`` or ``s1``;
    - coherence ``(sqrt(s1) - sqrt(s2)) / (sqrt(s1) + sqrt(s2))``, 0 where the image is flat.

    Each is cut into bins; an edge belongs to the bin above it. Orientation bins are equal and the
    first starts at 0. A pixel without any orientation (``s1 == s2``) has orientation 0.

    Parameters
    ----------
    window : int
        Odd side of the averaging window, 3 to 31 pixels.
    weighting : {"box", "gaussian"}
        Weights of the window.
    gaussian_sigma : float
        Standard deviation of the Gaussian weights, 0.001 to 1000 pixels; unused by "box".
    strength : {"sqrt", "eigenvalue"}
        Definition of strength.
    strength_scale : float
        Factor on the image, 0.001 to 1000; 219/255 makes strengths of full-range images those of
        video-range luma (16..235), which the csconv edges were made for.
    orientations : int
        Number of orientation bins: 1 or even, so that a quarter turn maps bins onto bins.
    strength_edges, coherence_edges : tuple of float
        Ascending edges; one bin more than edges.
    index_order : tuple of str
        Order of "orientation", "strength", "coherence" in the class index, slowest first.
    presmooth : float
        Weight w, 0 to 0.25, of smoothing the image by ``[w, 1 - 2 w, w]`` along rows and columns
        before the differences; helps on noisy images.
    period : int
        Where a picture is made in blocks, as by JPEG, the side of a block, 1 to 16 pixels: each
        of a block's pixels has classes of its own, whatever `index_order` the slowest in the
        index. The first block starts at the corner of the image.

    References
    ----------
    Xu et al., "Efficient Deep Image Denoising via Class Specific Convolution", AAAI 2021;
    Romano, Isidoro, Milanfar, "RAISR", IEEE TCI 2016; Getreuer et al., "BLADE", ICCP 2018.

    Examples
    --------
    >>> HashSpec.preset("csconv").num_classes
    72
    """

    window: int = 9
    weighting: str = "box"
    gaussian_sigma: float = 2.0
    strength: str = "sqrt"
    strength_scale: float = 1.0
    orientations: int = 8
    strength_edges: tuple[float, ...] = (0.2 / 3, 0.4 / 3)
    coherence_edges: tuple[float, ...] = (1 / 3, 2 / 3)
    index_order: tuple[str, ...] = _AXES
    presmooth: float = 0.0
    period: int = 1

    def __post_init__(self):
        for name in ("window", "orientations", "period"):
            whole = whole_number(value := getattr(self, name))
            if whole is None:
                raise ValueError(f"{name} must be a whole number, got {value!r}")
            object.__setattr__(self, name, whole)
        for name in ("gaussian_sigma", "strength_scale", "presmooth"):
            if isinstance(value := getattr(self, name), bool | str):
                raise ValueError(f"{name} must be a number, got {value!r}")
            object.__setattr__(self, name, float(value))
        for name in ("strength_edges", "coherence_edges"):
            object.__setattr__(self, name, tuple(float(e) for e in getattr(self, name)))
        object.__setattr__(self, "index_order", tuple(self.index_order))
        _check_spec(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of orientation, strength and coherence bins."""
        return self.orientations, len(self.strength_edges) + 1, len(self.coherence_edges) + 1

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.period**2 * math.prod(self.shape)

    @property
    def strides(self) -> tuple[int, int, int]:
        """Class index step of one orientation, strength and coherence bin."""
        steps, step = {}, 1
        for axis in reversed(self.index_order):
            steps[axis] = step
            step *= self.shape[_AXES.index(axis)]
        return steps[_AXES[0]], steps[_AXES[1]], steps[_AXES[2]]

    @staticmethod
    def preset(name: str) -> "HashSpec":
        """Spec called `name`: "csconv" (8x3x3), "raisr" (24x3x3) or "blade" (16x5x3)."""
        if name not in PRESETS:
            raise ValueError(f"no preset {name!r}: choose from {', '.join(sorted(PRESETS))}")
        return PRESETS[name]

    def to_dict(self) -> dict[str, Any]:
        """Fields as JSON-able values; `period` where there are blocks."""
        values = asdict(self)
        if self.period == 1:  # as in files from before there were any
            del values["period"]
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "HashSpec":
        """Inverse of `to_dict`; refuses unknown and missing fields."""
        known, values = {field.name for field in fields(cls)}, {"period": 1} | values
        if set(values) != known:
            raise ValueError(f"a HashSpec has the fields {sorted(known)}, got {sorted(values)}")
        return cls(**values)

    @cached_property
    def taps(self) -> np.ndarray:
        """Window weights along one axis, (window,) float32; ones for "box", so sums are exact."""
        if self.weighting == "box":
            return np.ones(self.window, np.float32)
        offsets = np.arange(self.window) - self.window // 2
        weights = np.exp(-(offsets**2) / (2 * self.gaussian_sigma**2))
        return (weights / weights.sum()).astype(np.float32)

    @cached_property
    def norm(self) -> float:
        """Factor from twice an eigenvalue of the summed doubled differences to its mean."""
        return 1 / (8 * float(self.taps.sum(dtype=np.float64)) ** 2)

    @property
    def scale(self) -> float:
        """Factor from gray levels to the unit of `strength`'s gradients."""
        return self.strength_scale / GRAY_LEVELS

    @cached_property
    def kernel_edges(self) -> tuple[np.ndarray, ...]:
        """Edges as `raisr.kernels.hash.hash_rows` compares them, and the index strides."""
        angles = 2 * np.pi * np.arange(1, self.orientations // 2) / max(self.orientations, 1)
        directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        directions[np.abs(directions) < 1e-12] = 0
        steps = [n if bins > 1 else 0 for n, bins in zip(self.strides, self.shape, strict=True)]
        strengths = np.array(self.strength_edges, np.float64)
        with np.errstate(over="ignore"):  # an edge that no gradient reaches
            strengths = strengths**2 if self.strength == "sqrt" else strengths
        ratios = (1 - np.array(self.coherence_edges)) / (1 + np.array(self.coherence_edges))
        coherences = ((1 - ratios**2) / (1 + ratios**2)) ** 2
        return (
            directions.astype(np.float32),
            np.minimum(strengths / (self.norm * self.scale**2) * _BELOW, _LARGEST).astype(
                np.float32
            ),
            (coherences * _BELOW).astype(np.float32),
            np.array(steps, np.int64),
        )


def _check_spec(spec):
    if spec.window % 2 == 0 or not 3 <= spec.window <= 31:
        raise ValueError(f"window must be odd, from 3 to 31, got {spec.window}")
    if spec.weighting not in ("box", "gaussian"):
        raise ValueError(f'weighting must be "box" or "gaussian", got {spec.weighting!r}')
    if spec.strength not in ("sqrt", "eigenvalue"):
        raise ValueError(f'strength must be "sqrt" or "eigenvalue", got {spec.strength!r}')
    if spec.orientations != 1 and (spec.orientations < 2 or spec.orientations % 2):
        raise ValueError(f"orientations must be 1 or even, got {spec.orientations}")
    for name in ("gaussian_sigma", "strength_scale"):
        if not 1e-3 <= getattr(spec, name) <= 1e3:
            raise ValueError(f"{name} must be from 0.001 to 1000, got {getattr(spec, name)}")
    for name in ("strength_edges", "coherence_edges"):
        edges = np.array(getattr(spec, name))
        if not (np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0) and np.all(edges > 0)):
            raise ValueError(f"{name} must be positive, finite and ascending, got {tuple(edges)}")
    if spec.coherence_edges and spec.coherence_edges[-1] > 1:
        raise ValueError(f"coherence_edges must not exceed 1, got {spec.coherence_edges}")
    if not 1 <= spec.period <= 16:
        raise ValueError(f"period must be from 1 to 16, got {spec.period}")
    if not 0 <= spec.presmooth <= 0.25:
        raise ValueError(f"presmooth must be from 0 to 0.25, got {spec.presmooth}")
    if sorted(map(str, spec.index_order)) != sorted(_AXES):
        raise ValueError(f"index_order must hold {_AXES} once each, got {spec.index_order}")
    if spec.num_classes > 65536:
        raise ValueError(f"at most 65536 classes, got {spec.num_classes}")


PRESETS = {
    "csconv": HashSpec(strength_scale=219 / 255),
    "raisr": HashSpec(
        weighting="gaussian",
        strength="eigenvalue",
        orientations=24,
        strength_edges=(0.0001, 0.001),
        coherence_edges=(0.25, 0.5),
    ),
    "blade": HashSpec(
        window=7,
        weighting="gaussian",
        gaussian_sigma=1.5,
        orientations=16,
        strength_edges=tuple(s / 255 for s in (10.0, 20.0, 30.0, 40.0)),
        coherence_edges=(0.2, 0.8),
    ),
}
"""Named specs: the paper's, RAISR's and BLADE's."""


def resolve_spec(spec: Any) -> HashSpec:
    """Return the spec itself, or the preset of that name."""
    if isinstance(spec, HashSpec):
        return spec
    if isinstance(spec, str):
        return HashSpec.preset(spec)
    raise TypeError(f"spec must be a HashSpec or the name of a preset, got {type(spec).__name__}")


def check_classes(classes: ArrayLike, spec: HashSpec) -> NDArray:
    """Return a class map of any integer type, (H, W), whose classes are all the spec's."""
    classes = np.asarray(classes)
    if classes.dtype.kind not in "ui":
        raise TypeError(f"classes must be integers, got {classes.dtype}")
    if classes.ndim != 2:
        raise ValueError(f"classes must have shape (H, W), got {classes.shape}")
    if classes.size and not 0 <= classes.min() <= classes.max() < spec.num_classes:
        raise ValueError(
            f"classes must be 0 to {spec.num_classes - 1}, got {classes.min()} to {classes.max()}"
        )
    return classes


def _hash_rows(image, spec, y0, y1, out):
    from raisr.kernels.hash import hash_rows

    hash_rows(image.source, *kernel_arguments(spec), out, y0, y1)


def kernel_arguments(spec):
    """Return what `raisr.kernels.hash.hash_rows` takes between an image and the result."""
    from raisr.kernels.hash import row_kernels

    *edges, strides = spec.kernel_edges
    return row_kernels(spec.window), spec.presmooth, spec.taps, tuple(edges), strides


def class_rows(image, spec, y0, y1, out):
    """Write the class map of rows `y0` to `y1` of a GrayImage to `out`, C-contiguous."""
    _hash_rows(image, spec, y0, y1, (out.ctypes.data, out.strides[0], 0, out.itemsize))
    if spec.period > 1:
        rows, columns = (np.arange(*ends) % spec.period for ends in ((y0, y1), (out.shape[1],)))
        places = rows[:, None] * spec.period + columns
        out += (places * int(np.prod(spec.shape))).astype(out.dtype)


def tensor_rows(image, spec, y0, y1):
    """Return the structure tensor, (3, y1 - y0, W) float32, of some rows of a GrayImage.

    It holds the weighted sums of the products of doubled differences of gray levels.
    """
    tensor = np.empty((3, y1 - y0, image.shape[1]), np.float32)
    channel, row, _ = tensor.strides
    _hash_rows(image, spec, y0, y1, (tensor.ctypes.data, row, channel, 0))
    return tensor


def class_map(image, spec, num_threads, dtype=np.uint16):
    """Return the class map, (H, W), of a GrayImage."""
    out = np.empty(image.shape, dtype)

    def block(y0, y1):
        class_rows(image, spec, y0, y1, out[y0:y1])

    over_blocks(block, image.shape, num_threads)
    return out


def hash_image(
    image: ArrayLike,
    spec: HashSpec | str = "csconv",
    *,
    data_range: float | None = None,
    num_threads: int | None = None,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Find the class of every pixel.

    Parameters
    ----------
    image : (H, W) array_like
        uint8, uint16, float16, float32 or float64; any size from 1 x 1.
    spec : HashSpec or str
        What a class is, or the name of a preset.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats. Pass 219 for
        video-range luma (16..235).
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Returns
    -------
    classes : (H, W) uint8, or uint16 beyond 256 classes
        ``0 <= classes < spec.num_classes``; the index is that of `HashSpec.strides`.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, an empty image, NaN or infinity.

    Warns
    -----
    UserWarning
        Where the values do not fit white: is `data_range` right?

    Notes
    -----
    Borders are reflected. Bins are found by comparisons on the float32 structure tensor; a pixel
    whose statistics lie within float32 rounding (about 1e-5, relative) of an edge may fall to
    either side. On 8-bit images without `data_range`, with a box window of at most 15 pixels and
    no presmoothing, the tensor is exact, and so is the rule that an edge belongs to the bin above.
    Time grows with the pixels times ``window + bins``.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    >>> int(hash_image(ramp)[16, 16])
    38
    """
    resolved = resolve_spec(spec)
    dtype = np.uint8 if resolved.num_classes <= 256 else np.uint16
    source = as_image(image, data_range).levelled()
    return class_map(source, resolved, check_threads(num_threads), dtype)
