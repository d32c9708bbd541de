"""Classes that know where on the profile of an edge a pixel lies: `ProfileSpec`."""

import math
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from raisr.blocks import over_blocks
from raisr.hashing import HashSpec, kernel_arguments, tensor_rows
from raisr.validate import whole_number

__all__ = [
    "ProfileSpec",
    "canonical_profiles",
    "class_map",
    "class_rows",
    "fit_edges",
    "profile_views",
]

_EDGES = ("strength_edges", "anisotropy_edges", "position_edges", "focus_edges")
_SAMPLED = 7


@dataclass(frozen=True)
class ProfileSpec:
    """Definition of the classes of an image that is enlarged.

    Pixels on both sides of an edge need different filters when they become several. So the line
    of the dominant gradient, an eigenvector of the structure tensor with eigenvalues ``s1 >= s2``,
    is given the direction in which the magnitude of the image's slope grows: where the slope and
    the second derivative along it have one sign. The other statistics, all squared, do not change
    with the sign of the image either, and are cut at edges:

    - strength: ``s1``, gray levels squared;
    - anisotropy: ``(s1 - s2) / (s1 + s2)``;
    - position: squared second derivative along the direction over ``s1``; 0 on the edge;
    - focus: squared slope at the pixel along the direction over ``s1``; 0 on a thin line.

    Parameters
    ----------
    directions : int
        Number of bins of the full circle, a multiple of 8.
    window : int
        Odd side of the Gaussian window of the structure tensor, pixels.
    gaussian_sigma : float
        Its standard deviation, pixels.
    strength_edges, anisotropy_edges, position_edges, focus_edges : tuple of float
        Ascending edges; one bin more than edges.

    References
    ----------
    Romano, Isidoro, Milanfar, "RAISR", IEEE TCI 2016, section III, for direction (of the half
    circle), strength and coherence.
    """

    directions: int = 32
    window: int = 7
    gaussian_sigma: float = 1.0
    strength_edges: tuple[float, ...] = (10.0, 100.0)
    anisotropy_edges: tuple[float, ...] = (0.5,)
    position_edges: tuple[float, ...] = (0.1, 0.5)
    focus_edges: tuple[float, ...] = (0.3, 1.0)

    def __post_init__(self):
        count = whole_number(self.directions)
        if count is None or count < 8 or count % 8:
            raise ValueError(f"directions must be a multiple of 8, got {self.directions!r}")
        object.__setattr__(self, "directions", count)
        for name in _EDGES:
            edges = tuple(float(edge) for edge in getattr(self, name))
            if not (np.isfinite(edges).all() and (np.diff([0.0, *edges]) > 0).all()):
                raise ValueError(f"{name} must be positive, finite and ascending, got {edges}")
            object.__setattr__(self, name, edges)
        if self.num_classes > 65535:
            raise ValueError(f"at most 65535 classes, got {self.num_classes}")
        for name in ("window", "gaussian_sigma"):  # checked there
            object.__setattr__(self, name, getattr(self.tensor, name))

    @cached_property
    def tensor(self) -> HashSpec:
        """Spec whose window the structure tensor is made with."""
        return HashSpec(
            window=self.window, weighting="gaussian", gaussian_sigma=self.gaussian_sigma
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins of direction, strength, anisotropy, position and focus."""
        return self.directions, *(len(getattr(self, name)) + 1 for name in _EDGES)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return math.prod(self.shape)

    @cached_property
    def cuts(self) -> tuple[np.ndarray, tuple[int, ...]]:
        """Edges and their numbers, as `raisr.kernels.profile.profile_rows` takes them."""
        # Bins are centred: edges along the axes and diagonals of an image lie in their middle.
        angles = 2 * np.pi * (np.arange(self.directions // 4) + 0.5) / self.directions
        quadrant = np.sin(angles) / (np.cos(angles) + np.sin(angles))
        edges = [quadrant, *(getattr(self, name) for name in _EDGES)]
        return np.concatenate(edges).astype(np.float32), tuple(len(part) for part in edges)

    def to_dict(self) -> dict[str, Any]:
        """Fields as JSON-able values."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ProfileSpec":
        """Inverse of `to_dict`; refuses unknown and missing fields."""
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            raise ValueError(f"a ProfileSpec has the fields {sorted(known)}, got {sorted(values)}")
        return cls(**values)


def class_rows(image, spec, y0, out, grid=(1, 0)):
    """Write rows of the class map of a GrayImage to `out`, uint16, from row `y0` of the map on.

    The map is of every step-th pixel, down and across, from the first on: `grid` is (step, first).
    """
    from raisr.kernels.profile import profile_rows

    tensor_of, norm = kernel_arguments(spec.tensor), np.float32(2 * spec.tensor.norm)
    profile_rows(image.source, tensor_of, norm, *spec.cuts, y0, grid, out)


def _statistics(image, spec):
    """Return the statistics of some of the pixels of a GrayImage, (4, n) float32."""
    from raisr.kernels.pixels import read_tile
    from raisr.kernels.profile import statistics_rows

    height, width = image.shape
    tensor, norm = tensor_rows(image, spec.tensor, 0, height), np.float32(2 * spec.tensor.norm)
    tile = np.empty((height + 2, width + 2), np.float32)
    read_tile(image.source, -1, -1, np.float32(0), tile)
    out = np.empty((4, height, width), np.float32)
    statistics_rows(tensor, tile, norm, out)
    return out.reshape(4, -1)[:, ::_SAMPLED].copy()


def class_map(image, spec, num_threads, grid=(1, 0)):
    """Return the class map of a GrayImage, uint16: of all its pixels, or of those of a grid."""
    step, first = grid
    out = np.empty([-(-(side - first) // step) for side in image.shape], np.uint16)

    def block(y0, y1):
        class_rows(image, spec, y0, out[y0:y1], grid)

    over_blocks(block, out.shape, num_threads)
    return out


def fit_edges(images, spec):
    """Return the spec with edges at quantiles of the statistics of some GrayImages.

    Of position and the like, only those of the stronger half of the pixels count. Where a bin of
    strength would hold only what is flat, this does not count.
    """
    found = np.concatenate([_statistics(image, spec) for image in images], axis=1)
    if np.quantile(found[0], 1 / (len(spec.strength_edges) + 1)) == 0:
        found = found[:, found[0] > 0]
    if not found.size:
        raise ValueError("no pixel has a slope")
    strong = found[1:, found[0] > np.median(found[0])]
    if not strong.size:
        raise ValueError("all slopes are equally steep")
    fitted = {}
    for values, name in zip((found[0], *strong), _EDGES, strict=True):
        bins = len(getattr(spec, name)) + 1
        edges = np.quantile(values, np.arange(1, bins) / bins)
        fitted[name] = tuple(float(f"{edge:.4g}") for edge in edges)
    return replace(spec, **fitted)


def profile_views(spec):
    """Return the eight rotations and flips, as `raisr.symmetry.dihedral_views` does."""
    classes = np.arange(spec.num_classes)
    count, step = spec.directions, spec.num_classes // spec.directions
    bins = classes // step

    def view(turns, flip):
        def transform(array):
            turned = np.rot90(array, turns, axes=(-2, -1))
            return np.flip(turned, -1) if flip else turned

        moved = bins - turns * (count // 4)
        moved = (count // 2 - moved if flip else moved) % count
        return transform, classes + (moved - bins) * step

    return [view(turns, flip) for flip in (False, True) for turns in range(4)]


def canonical_profiles(spec):
    """Return the classes of an eighth of the circle; views reach all others."""
    step = spec.num_classes // spec.directions
    return np.arange((spec.directions // 8 + 1) * step)
