"""What is compared: cases of contenders, their goals, and the image that they work on."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raisr.colour import rgb_to_gray
from raisr.datasets import load_dataset
from raisr.noise import add_gaussian_noise

__all__ = [
    "SIGMA",
    "Case",
    "Contender",
    "Goal",
    "colour_mosaic",
    "corner",
    "matrix_product",
    "mosaic",
]

SIGMA = 25.0
_TILE = 256


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a case.

    Parameters
    ----------
    run : callable
        Takes the number of threads. Libraries with a global setting have been told already.
    work : float
        Part of the case's work that one call does; its times are divided by it.
    serial : bool
        True for code without threads: it is timed once, for the fewest threads.
    """

    run: Callable[[int], object]
    work: float = 1.0
    serial: bool = False


@dataclass(frozen=True)
class Goal:
    """A bound for one thread: on the time of `raisr` over the contender's, or on a speed.

    Parameters
    ----------
    limit : float
        Largest ratio, or smallest number of megapixels a second.
    kind : {"ratio", "speed"}
    """

    limit: float
    kind: str = "ratio"


@dataclass(frozen=True)
class Case:
    """A comparison of `subjects`, which are contenders of `raisr`, with all other contenders.

    Parameters
    ----------
    goals : dict
        Contender -> goal. A ratio is that of the first subject to the contender.
    absent : dict
        Contender that cannot run -> why.
    """

    title: str
    pixels: int
    contenders: dict[str, Contender]
    subjects: tuple[str, ...] = ("raisr",)
    goals: dict[str, Goal] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    note: str = ""


def mosaic(pixels: int, sigma: float = SIGMA) -> NDArray[np.float32]:
    """Return a noisy square mosaic of the embedded photographs in gray levels."""
    photographs = [rgb_to_gray(image.read()) for image in load_dataset("sample")]
    return add_gaussian_noise(_tiled(photographs, pixels), sigma, seed=0)


def colour_mosaic(pixels: int, sigma: float) -> NDArray[np.uint8]:
    """Return a noisy square mosaic, red, green and blue, of the embedded photographs in colour."""
    photographs = [image.read() for image in load_dataset("sample")]
    clean = _tiled([photo for photo in photographs if photo.ndim == 3], pixels)
    return np.rint(add_gaussian_noise(clean, sigma, seed=0)).clip(0, 255).astype(np.uint8)


def _tiled(photographs: list[NDArray], pixels: int) -> NDArray:
    """Return a square of the corners of photographs, of all that are large enough."""
    side = round(pixels**0.5)
    tiles = [photo[:_TILE, :_TILE] for photo in photographs]
    tiles = [tile for tile in tiles if tile.shape[:2] == (_TILE, _TILE)]
    count = -(-side // _TILE)
    rows = [
        np.hstack([tiles[(r * count + c) % len(tiles)] for c in range(count)]) for r in range(count)
    ]
    return np.vstack(rows)[:side, :side]


def corner(image: NDArray, pixels: int) -> NDArray:
    """Return the upper left square of an image, contiguous, of at most some pixels."""
    side = int(pixels**0.5)
    return np.ascontiguousarray(image[:side, :side])


def matrix_product(multiplications: float) -> Contender:
    """Return sgemm (NumPy's, 1024 x 1024) doing about so many multiplications, scaled to them."""
    side = 1024
    a = np.random.default_rng(0).random((side, side), np.float32)
    out = np.empty_like(a)
    repeats = max(1, round(multiplications / side**3))

    def run(threads: int) -> None:
        for _ in range(repeats):
            np.matmul(a, a, out=out)

    return Contender(run, repeats * side**3 / multiplications)
