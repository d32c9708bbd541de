"""Five tasks that pairs of images define: how pairs are made, and filters learned from them.

A pair is an input and its target, (H, W) uint8, and a third image where filters are to be chosen by
another than the input. These functions are printed in docs/gallery.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate, gaussian_filter, uniform_filter1d

import raisr
from raisr import HashSpec
from raisr.bicubic import resize_bicubic
from raisr.colour import rgb_to_gray
from raisr.jpeg import compress
from raisr.learning_upscaling import crop_to_multiple, reduce_image
from raisr.noise import add_gaussian_noise

__all__ = ["TASKS", "Pair", "Task"]

Gray = NDArray[np.uint8]
Pair = tuple[Gray, ...]
Seed = Sequence[int]


def blur_pair(image: Gray, seed: Seed, length: int = 7) -> Pair:
    """Blur as a camera does that moves sideways during the exposure."""
    gray = rgb_to_gray(image)
    return whole(uniform_filter1d(gray.astype(float), length, axis=1)), gray


def learn_deblurring(pairs: Sequence[Pair]) -> Any:
    """Learn wide filters; that the task has a direction is found from held-back pixels."""
    return raisr.learn_filters(pairs, size=13)


def jpeg_pair(image: Gray, seed: Seed, start: int = 0) -> Pair:
    """Compress; what is cut off above and on the left moves the blocks."""
    gray = rgb_to_gray(image)
    return compress(gray, quality=20)[start:, start:], gray[start:, start:]


def learn_deblocking(pairs: Sequence[Pair]) -> Any:
    """Learn filters for each pixel of a block first, and then others that finish."""
    edges = {"strength_edges": (0.01, 0.02, 0.04), "coherence_edges": (1 / 3, 2 / 3)}
    blocks = HashSpec(window=9, weighting="gaussian", period=8, **edges)
    return raisr.learn_filters(pairs, [blocks, "blade"], size=7)


def mosaic_pair(image: Gray, seed: Seed, sigma: float = 0) -> Pair:
    """Keep one colour of each pixel, as a sensor sees it (RGGB); green is to be found.

    Classes come from green that is the mean of its neighbours where it is missing.
    """
    mosaic = image[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = image[::2, ::2, 0], image[1::2, 1::2, 2]
    mosaic = whole(add_gaussian_noise(mosaic, sigma, seed))
    rows, columns = np.indices(mosaic.shape)
    cross = [[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]]
    means = correlate(mosaic.astype(float), cross, mode="mirror")
    green = np.where((rows + columns) % 2, mosaic, means)
    return mosaic, image[..., 1], whole(green)


def learn_green(pairs: Sequence[Pair]) -> Any:
    """Learn filters for each of the four pixels of the mosaic, which see all three colours."""
    four = replace(HashSpec.preset("blade"), period=2)
    return raisr.learn_filters(pairs, four, size=9)


def grain_pair(image: Gray, seed: Seed, size: float = 0.7) -> Pair:
    """Add grain that neighbours share, strongest in the middle of the tones."""
    gray = rgb_to_gray(image)
    grain = gaussian_filter(add_gaussian_noise(np.zeros(gray.shape), 1, seed), size)
    tones = gray / 255
    return whole(gray + 80 * tones * (1 - tones) * grain / grain.std()), gray


def learn_degraining(pairs: Sequence[Pair]) -> Any:
    """Learn two stages: the second sees the grain, and what the first made of it."""
    return raisr.learn_filters(pairs, size=9, stages=2)


def small_pair(image: Gray, seed: Seed, quality: int | None = None) -> Pair:
    """Reduce to half the sides, without aliasing; and compress."""
    gray = crop_to_multiple(rgb_to_gray(image), 2)
    small = reduce_image(gray, 2).astype(np.uint8)
    return small if quality is None else compress(small, quality), gray


def learn_enlarging(pairs: Sequence[Pair]) -> Any:
    return raisr.learn_filters(pairs, factor=2)


def whole(values: NDArray) -> Gray:
    """Round and clip to 8 bits."""
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _filtered(bank, pair):
    image, _, *guide = pair
    return bank.apply(image, *guide)


def _enlarged(bank, pair):
    return raisr.upscale(pair[0], 2, model=bank)


@dataclass(frozen=True)
class Task:
    """A task: how pairs are made and learned from, and a change that the filters do not know.

    Attributes
    ----------
    name, title, about : str
        Of its picture and its results; heading; and a sentence on what was learned.
    make : callable
        Returns the pair of an image, (H, W) or (H, W, 3) uint8, and a seed.
    learn, apply : callable
        Return the filters learned from pairs, and what these make of a pair's input.
    change : callable
        As `make`, but otherwise than in training.
    limit : str
        What is changed.
    before : str
        What the result is compared with, `plain` of a pair.
    """

    name: str
    title: str
    about: str
    make: Callable[[Gray, Seed], Pair]
    learn: Callable[[Sequence[Pair]], Any]
    change: Callable[[Gray, Seed], Pair]
    limit: str
    before: str = "the input"
    plain: Callable[[Pair], Gray] = lambda pair: pair[0]
    apply: Callable[[Any, Pair], Gray] = _filtered


TASKS = (
    Task(
        "motion",
        "Motion blur",
        "A camera that moves sideways smears each pixel over seven. The task has a direction, so "
        "rotations of the images would mislead: that is found by itself. Strong edges keep a faint "
        "echo.",
        blur_pair,
        learn_deblurring,
        partial(blur_pair, length=11),
        "the filters know one length. Smeared over 11 pixels instead of 7",
    ),
    Task(
        "jpeg",
        "JPEG",
        "Blocks of 8 x 8 pixels at quality 20. Each pixel of a block has filters of its own "
        "(`period=8`), as the borders of blocks need others than their middle.",
        jpeg_pair,
        learn_deblocking,
        partial(jpeg_pair, start=3),
        "blocks must begin in the corner. With three rows and columns cut off",
    ),
    Task(
        "mosaic",
        "A channel of a mosaic",
        "A sensor sees one colour a pixel, and half of green is missing. The filters take what is "
        "missing from red and blue, too. (These photographs were JPEGs, whose colours are more "
        "alike than those of a sensor: expect less there.)",
        mosaic_pair,
        learn_green,
        partial(mosaic_pair, sigma=10),
        "the mosaics were without noise. With noise of sigma 10",
        "green filled in by the means of its neighbours",
        lambda pair: pair[2],
    ),
    Task(
        "grain",
        "Film grain",
        "Grain is neither white, as neighbours share it, nor the same everywhere, as mid tones "
        "have most. Nobody has to tell the filters.",
        grain_pair,
        learn_degraining,
        partial(grain_pair, size=1.4),
        "grain must have the size that was learned. Twice as coarse",
    ),
    Task(
        "upscaling",
        "Upscaling",
        "Images of half the sides are enlarged by 2: one filter for each of the four pixels that "
        "take a pixel's place, in a cascade.",
        small_pair,
        learn_enlarging,
        partial(small_pair, quality=40),
        "compression is enlarged, too. Of JPEGs of quality 40",
        "bicubic interpolation",
        lambda pair: whole(resize_bicubic(pair[0], 2)),
        _enlarged,
    ),
)
"""Those of the gallery."""
