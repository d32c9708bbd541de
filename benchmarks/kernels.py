"""The kernels hash and apply, and both together, against peers that do the same or less."""

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import structure_tensor, structure_tensor_eigenvalues

from benchmarks.case import Case, Contender, Goal, corner, matrix_product
from raisr import FilterBank, HashSpec, Stage, gradient_statistics
from raisr.blocks import over_blocks
from raisr.cascade import filter_rows
from raisr.hashing import class_map
from raisr.validate import GrayImage

__all__ = [
    "apply_case",
    "fitted_spec",
    "hash_and_apply_case",
    "hash_case",
    "opencv_classes",
    "opencv_strips",
]

_SMALL = HashSpec(window=7, weighting="gaussian", gaussian_sigma=1.5)
_LARGE = HashSpec(
    weighting="gaussian",
    orientations=24,
    strength_edges=(1.0, 2.0, 3.0, 4.0, 5.0),
    coherence_edges=(0.1, 0.2, 0.3, 0.4, 0.5),
)
_STRIP = 2**17
_APPLY_GOALS = {7: 1.3, 9: 1.5, 11: 1.35}
# 12 ns a pixel where sgemm does 90 GFLOP/s, as a multiple of the time of 121 multiplications.
_LARGE_GOAL = 12 * 90 / (2 * 121)


def fitted_spec(image: NDArray[np.float32], spec: HashSpec) -> HashSpec:
    """Return the spec with edges that fill its bins equally on an image."""
    found = gradient_statistics(corner(image, 2**20), spec, data_range=255)

    def quantiles(values: NDArray, edges: tuple[float, ...]) -> tuple[float, ...]:
        shares = np.arange(1, len(edges) + 1) / (len(edges) + 1)
        return tuple(np.quantile(values, shares).tolist())

    return dataclasses.replace(
        spec,
        strength_edges=quantiles(found.strength, spec.strength_edges),
        coherence_edges=quantiles(found.coherence, spec.coherence_edges),
    )


def hash_case(image: NDArray[np.float32]) -> Case:
    """Class map of 8x3x3 classes from a 7x7 window."""
    spec = fitted_spec(image, _SMALL)
    plane = GrayImage(image)
    contenders = {
        "raisr": Contender(lambda threads: class_map(plane, spec, threads, np.uint8)),
        "OpenCV sepFilter2D + NumPy": Contender(lambda _: opencv_classes(image, spec)),
        "the same in strips of rows": Contender(lambda _: opencv_strips(image, spec)),
        "OpenCV cornerEigenValsAndVecs": Contender(
            lambda _: cv2.cornerEigenValsAndVecs(image, spec.window, 3)
        ),
        "scikit-image structure_tensor": Contender(
            lambda _: structure_tensor_eigenvalues(structure_tensor(image, sigma=0.75, order="rc")),
            serial=True,
        ),
    }
    return Case(
        "hash 7x7, 72 classes",
        image.size,
        contenders,
        goals={
            "OpenCV sepFilter2D + NumPy": Goal(0.16),
            "the same in strips of rows": Goal(0.16),
            "scikit-image structure_tensor": Goal(0.022),
        },
        note="hash: strips of 2**17 pixels stay in the cache and need no fresh memory; "
        "cornerEigenValsAndVecs stops at the "
        "eigenvectors, scikit-image (sigma 0.75: seven taps) at the eigenvalues: no class",
    )


def opencv_classes(image: NDArray[np.float32], spec: HashSpec) -> NDArray[np.uint8]:
    """Return the class map as an OpenCV user would make it; borders differ from raisr's.

    `cv2.phase` is good to 0.3 degrees, so some pixels near an edge between two orientations fall
    on its other side.
    """
    taps = spec.taps / spec.taps.sum()
    rows, columns = (cv2.Sobel(image, -1, *axes, ksize=1) for axes in ((0, 1), (1, 0)))
    a, b, c = (
        cv2.sepFilter2D(product, -1, taps, taps)
        for product in (rows * rows, rows * columns, columns * columns)
    )
    cross, difference, trace = b + b, a - c, a + c
    root = cv2.magnitude(difference, cross)
    large = cv2.sqrt(trace + root)
    small = cv2.sqrt(np.maximum(trace - root, 0))
    coherence = (large - small) / (large + small + np.float32(1e-6))
    octants = cv2.phase(difference, cross) * np.float32(spec.orientations / (2 * np.pi))
    index = octants.astype(np.uint8) % np.uint8(spec.orientations)
    to_large = 2 * 2**0.5 / spec.scale  # doubled differences; twice the eigenvalue
    for values, edges in (
        (large, np.multiply(spec.strength_edges, to_large)),
        (coherence, spec.coherence_edges),
    ):
        index *= np.uint8(len(edges) + 1)
        for edge in edges:
            np.add(index, values >= np.float32(edge), out=index)
    return index


def opencv_strips(image: NDArray[np.float32], spec: HashSpec) -> NDArray[np.uint8]:
    """Return `opencv_classes`, found strip by strip."""
    margin = spec.window // 2 + 1
    height = max(8, _STRIP // image.shape[1])
    out = np.empty(image.shape, np.uint8)
    for y0 in range(0, len(image), height):
        above = min(margin, y0)
        part = opencv_classes(image[y0 - above : y0 + height + margin], spec)
        out[y0 : y0 + height] = part[above : above + height]
    return out


def apply_case(image: NDArray[np.float32], size: int) -> Case:
    """72 filters by class, against one filter for all pixels."""
    spec = fitted_spec(image, _SMALL)
    classes = class_map(GrayImage(image), spec, 1)
    stage = _random_stage(spec, size)
    one = np.ascontiguousarray(stage.filters[0, 0])
    return Case(
        f"apply {size}x{size}, 72 filters",
        image.size,
        {
            "raisr": Contender(lambda threads: _apply(stage, image, classes, threads)),
            "OpenCV filter2D, one filter": Contender(lambda _: cv2.filter2D(image, -1, one)),
            "SciPy ndimage.convolve, one filter": Contender(
                lambda _: ndimage.convolve(image, one), serial=True
            ),
        },
        goals={"OpenCV filter2D, one filter": Goal(_APPLY_GOALS[size])},
    )


def _random_stage(spec: HashSpec, size: int) -> Stage:
    shape = spec.num_classes, 1, size, size
    filters = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Stage(spec, filters, np.zeros(spec.num_classes, np.float32))


def _apply(
    stage: Stage, image: NDArray[np.float32], classes: NDArray[np.uint16], threads: int
) -> NDArray[np.float32]:
    planes, out = [GrayImage(image)], np.empty_like(image)

    def block(y0: int, y1: int) -> None:
        filter_rows(stage, planes, classes[y0:y1], y0, y1, out, 255)

    over_blocks(block, image.shape, threads)
    return out


def hash_and_apply_case(image: NDArray[np.float32]) -> Case:
    """All that a one-stage bank of RAISR's size does, from plane to plane."""
    stage = _random_stage(fitted_spec(image, _LARGE), 11)
    bank = FilterBank([stage])
    one = np.ascontiguousarray(stage.filters[0, 0])
    limit = "limit: sgemm of 121 multiplications a pixel"
    return Case(
        "hash 9x9 and apply 11x11, 864 filters",
        image.size,
        {
            "raisr": Contender(
                lambda threads: bank.apply(image, data_range=255, num_threads=threads)
            ),
            "OpenCV filter2D, one filter": Contender(lambda _: cv2.filter2D(image, -1, one)),
            limit: matrix_product(121 * image.size),
        },
        goals={limit: Goal(_LARGE_GOAL)},
        note="hash and apply: the goal is 12 ns/pixel where sgemm does 90 GFLOP/s",
    )
