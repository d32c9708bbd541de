"""Learning filters that remove what JPEG left, from images that are compressed first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raisr import __version__
from raisr.cascade import run_stages
from raisr.colour import luma_of, rgb_to_gray
from raisr.colour_learning import learn_chroma
from raisr.deblocking import PARTS
from raisr.filtering import Stage
from raisr.flat import learn_flat_stage
from raisr.hashing import HashSpec
from raisr.jpeg import compress
from raisr.validate import GRAY_LEVELS, GrayImage, check_threads

__all__ = ["learn_deblocking"]

_RIDGE = 1e-3
"""What JPEG leaves of flat blocks is the same in all of them: weights would be huge without."""

Recipe = Sequence[tuple[HashSpec, int]]


def learn_deblocking(
    images: Sequence[NDArray[np.uint8]],
    colours: Sequence[NDArray[np.uint8]],
    quality: int,
    luma: Recipe,
    chroma: Sequence[HashSpec],
    chroma_size: int,
    num_threads: int | None = None,
) -> tuple[dict[str, list[Stage]], tuple[str, ...], dict]:
    """Learn the filters for one quality of JPEG.

    Parameters
    ----------
    images : sequence of (H, W) or (H, W, 3) uint8 arrays
        Their gray values teach the luma.
    colours : sequence of (H, W, 3) uint8 arrays
        These teach the chroma.
    quality : int
        1 to 100, of libjpeg; chroma is subsampled by 2, as by default.
    luma : sequence of (HashSpec, int)
        Classes of each stage, whose edges are replaced by quantiles, and the side of its filters.
    chroma : sequence of HashSpec
        Classes of the filtered luma, for each stage.
    chroma_size : int
        Side of the filters of chroma.
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Returns
    -------
    parts, guides, facts
        As `raisr.colour_files.write_parts` takes them.

    Notes
    -----
    Filters minimise the squared error among those whose weights sum to one, over all eight
    rotations and flips.
    """
    threads = check_threads(num_threads)
    grays = [rgb_to_gray(image) for image in images]
    pairs = [(_plane(compress(gray, quality)), _plane(gray)) for gray in grays]
    stages = _learn_luma(pairs, luma, threads)
    samples = [_chroma_sample(image, quality, stages, threads) for image in colours]
    guides = ("luma",) * len(chroma)
    banks = learn_chroma(samples, chroma, guides, chroma_size, num_threads=threads)
    parts = dict(zip(PARTS, (stages, *(list(bank.stages) for bank in banks)), strict=True))
    facts = {"raisr": __version__, "quality": quality, "ridge": _RIDGE}
    facts["pixels"] = sum(gray.size for gray in grays)
    return parts, guides, facts


def _learn_luma(pairs, recipe, num_threads):
    stages: list[Stage] = []
    inputs = [[source] for source, _ in pairs]
    targets = [target for _, target in pairs]
    for spec, size in recipe:
        options = {"ridge": _RIDGE, "num_threads": num_threads}
        stages.append(learn_flat_stage(inputs, targets, spec, size, **options))
        inputs = [[source, _filtered(stages, source, num_threads)] for source, _ in pairs]
    return stages


def _filtered(stages, plane, num_threads):
    out = np.empty(plane.shape, np.float32)
    run_stages(stages, [GrayImage(plane)], [out], GRAY_LEVELS, num_threads)
    return out


def _chroma_sample(image, quality, stages, num_threads):
    """Return the planes of chroma of a JPEG, those of its image, and the filtered luma."""
    luma, *planes = _luma_and_chroma(compress(image, quality))
    _, *targets = _luma_and_chroma(image)
    return planes, targets, _filtered(stages, luma, num_threads)


def _luma_and_chroma(image):
    planes = [_plane(image[..., channel]) for channel in range(3)]
    luma = luma_of(planes)
    return luma, planes[2] - luma, planes[0] - luma


def _plane(image):
    return image.astype(np.float32)
