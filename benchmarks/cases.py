"""What is measured: each case pits kernels of `raisr` against peers doing the same or less."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage
from skimage.feature import structure_tensor, structure_tensor_eigenvalues

from comparisons.datasets import load_dataset
from comparisons.protocol import rgb_to_gray
from raisr import FilterBank, HashSpec, NormalEquations, Stage
from raisr._blocks import over_blocks
from raisr._cascade import filter_rows
from raisr._validate import GrayImage
from raisr.hashing import class_map
from raisr.noise import add_gaussian_noise

__all__ = ["CASES", "Case", "mosaic"]

Contenders = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Case:
    """A comparison: contenders by name, and the one that the others are divided by."""

    title: str
    reference: str
    contenders: Contenders
    pixels: int
    note: str = ""


def mosaic(pixels: int) -> np.ndarray:
    """Return a noisy square mosaic of the embedded photographs, float32 gray levels, sigma 25."""
    side = round(pixels**0.5)
    photographs = [rgb_to_gray(image.read())[:256, :256] for image in load_dataset("sample")]
    photographs = [photo for photo in photographs if photo.shape == (256, 256)]
    columns = -(-side // 256)
    rows = [
        np.hstack([photographs[(r * columns + c) % len(photographs)] for c in range(columns)])
        for r in range(columns)
    ]
    return add_gaussian_noise(np.vstack(rows)[:side, :side], 25, seed=0)


def hash_case(image: np.ndarray, threads: int) -> Case:
    """Class map of 8x3x3 classes from a 9x9 window."""
    spec = HashSpec.preset("csconv")
    contenders = {
        "raisr": lambda: class_map(GrayImage(image), spec, threads),
        "OpenCV sepFilter2D + NumPy": lambda: _opencv_hash(image, spec),
        "scikit-image structure_tensor": lambda: structure_tensor_eigenvalues(
            structure_tensor(image, sigma=2, order="rc")
        ),
    }
    return Case(
        "hash 9x9, 72 classes",
        "OpenCV sepFilter2D + NumPy",
        contenders,
        image.size,
        "scikit-image stops at the eigenvalues: no angle, no class",
    )


def _opencv_hash(image, spec):
    rows = cv2.Sobel(image, -1, 0, 1, ksize=1)
    columns = cv2.Sobel(image, -1, 1, 0, ksize=1)
    taps = np.ones((spec.window, 1), np.float32)
    a, b, c = (
        cv2.sepFilter2D(product, -1, taps, taps)
        for product in (rows * rows, rows * columns, columns * columns)
    )
    spread = np.sqrt((a - c) ** 2 + 4 * b * b)
    large, small = np.sqrt(a + c + spread), np.sqrt(np.maximum(a + c - spread, 0))
    angle = np.arctan2(2 * b, a - c) * np.float32(4 / np.pi) % 8
    strength = np.searchsorted(np.array(spec.strength_edges, np.float32), large)
    coherence = np.searchsorted(
        np.array(spec.coherence_edges, np.float32), (large - small) / (large + small + 1e-9)
    )
    return (angle.astype(np.uint8) * 9 + strength * 3 + coherence).astype(np.uint8)


def apply_case(image: np.ndarray, threads: int, size: int) -> Case:
    """72 filters by class, against one filter for all pixels."""
    spec = HashSpec.preset("csconv")
    classes = class_map(GrayImage(image), spec, threads)
    filters = np.random.default_rng(0).normal(size=(72, 1, size, size)).astype(np.float32)
    stage = Stage(spec, filters, np.zeros(72, np.float32))
    one = np.ascontiguousarray(filters[0, 0])
    return Case(
        f"apply {size}x{size}, 72 filters",
        "OpenCV filter2D, one filter",
        {
            "raisr": lambda: _apply(stage, image, classes, threads),
            "OpenCV filter2D, one filter": lambda: cv2.filter2D(image, -1, one),
            "SciPy ndimage.convolve, one filter": lambda: ndimage.convolve(image, one),
        },
        image.size,
    )


def _apply(stage, image, classes, threads):
    planes, out = [GrayImage(image)], np.empty_like(image)

    def block(y0, y1):
        out[y0:y1] = filter_rows(stage, planes, classes[y0:y1], y0, y1)

    over_blocks(block, image.shape, threads)


def hash_and_apply_case(image: np.ndarray, threads: int) -> Case:
    """Everything a one-stage bank of 72 filters does, from plane to plane."""
    spec = HashSpec.preset("csconv")
    filters = np.random.default_rng(0).normal(size=(72, 1, 7, 7)).astype(np.float32)
    bank = FilterBank([Stage(spec, filters, np.zeros(72, np.float32))])
    one = np.ascontiguousarray(filters[0, 0])

    def run():
        return bank.apply(image, data_range=255, num_threads=threads)

    return Case(
        "hash 9x9 and apply 7x7, 72 filters",
        "OpenCV filter2D, one filter",
        {"raisr": run, "OpenCV filter2D, one filter": lambda: cv2.filter2D(image, -1, one)},
        image.size,
    )


def learn_case(image: np.ndarray, threads: int, size: int) -> Case:
    """Accumulate the normal equations of 72 classes, against one matrix product.

    The limit is half of a matrix product with as many multiplications as ``A.T @ A``: a
    symmetric result needs one triangle.
    """
    image = np.rint(image[:512, :512])
    spec = HashSpec.preset("csconv")
    classes = class_map(GrayImage(image), spec, threads)
    equations = NormalEquations(spec, 1, size)
    patches = sliding_window_view(np.pad(image, size // 2, mode="reflect"), (size, size))
    samples = np.ascontiguousarray(patches.reshape(image.size, -1), np.float32)
    n = size * size + 1
    square = np.random.default_rng(0).random((1024, 1024), np.float32)
    repeats = max(1, round(image.size * n * n / 2 / 1024**3))

    def half_product():
        for _ in range(repeats):
            square @ square

    return Case(
        f"learn {size}x{size}, 72 classes",
        "half of a NumPy matrix product",
        {
            "raisr": lambda: equations.add([image], image, classes, threads),
            "half of a NumPy matrix product": half_product,
            "NumPy A.T @ A, one class, A given": lambda: samples.T @ samples,
        },
        image.size,
    )


CASES: dict[str, Callable[[np.ndarray, int], Case]] = {
    "hash": hash_case,
    "apply7": lambda image, threads: apply_case(image, threads, 7),
    "apply9": lambda image, threads: apply_case(image, threads, 9),
    "apply11": lambda image, threads: apply_case(image, threads, 11),
    "hash_apply7": hash_and_apply_case,
    "learn7": lambda image, threads: learn_case(image, threads, 7),
    "learn9": lambda image, threads: learn_case(image, threads, 9),
}
