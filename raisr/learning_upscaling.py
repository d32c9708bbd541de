"""Learning filters that enlarge, from images that are reduced first."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from raisr import __version__
from raisr.bicubic import resize_bicubic
from raisr.phase_equations import PhaseEquations
from raisr.phases import PhaseStage
from raisr.profiles import ProfileSpec, class_map, fit_edges
from raisr.upscaling_bank import UpscalingBank, following
from raisr.validate import GrayImage, check_threads

__all__ = ["crop_to_multiple", "learn_upscaling", "reduce_image"]

_EDGE_IMAGES = 50
_BATCH = 16  # images


def learn_upscaling(
    images: Sequence[NDArray],
    factor: int,
    recipe: Sequence[tuple[ProfileSpec, int, int]],
    num_threads: int | None = None,
) -> UpscalingBank:
    """Learn a bank that enlarges by a whole factor.

    Parameters
    ----------
    images : sequence of (H, W) arrays
        Gray levels of 0 to 255. Their sides are cropped to multiples of `factor`.
    factor : int
    recipe : sequence of (ProfileSpec, int, int)
        Of each stage: classes, whose edges are replaced by quantiles of the training images, the
        side of the filters, and the margin of their blocks.
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Notes
    -----
    Each image is reduced by `reduce_image`. A filter minimises the squared error of its class and
    phase among those whose weights sum to one, over all eight rotations and flips.
    """
    threads = check_threads(num_threads)
    targets = [crop_to_multiple(image, factor).astype(np.float32) for image in images]
    sources = [reduce_image(target, factor) for target in targets]
    planes: list[list[NDArray]] = [[] for _ in targets]
    stages: list[PhaseStage] = []
    for spec, size, margin in recipe:
        inputs = [seen or [source] for seen, source in zip(planes, sources, strict=True)]
        equations = PhaseEquations(
            _fitted(inputs, spec), 1 if stages else factor, margin, len(inputs[0]), size
        )
        stage = _learn_stage(inputs, targets, equations, threads)
        for place, (seen, target) in enumerate(zip(inputs, targets, strict=True)):
            out = np.empty_like(target)
            stage.run([GrayImage(plane) for plane in seen], out, 255, threads)
            planes[place] = following(planes[place], out)
        stages.append(stage)
    facts = {"raisr": __version__, "factor": factor, "pixels": sum(t.size for t in targets)}
    return UpscalingBank(stages, facts)


def _fitted(inputs, spec):
    step = max(1, len(inputs) // _EDGE_IMAGES)
    return fit_edges([GrayImage(planes[-1]) for planes in inputs[::step]], spec)


def _learn_stage(inputs, targets, equations, num_threads):
    spec = equations.spec
    for first in range(0, len(inputs), _BATCH):
        batch = slice(first, first + _BATCH)
        samples = [
            (planes, target, class_map(GrayImage(planes[-1]), spec, num_threads))
            for planes, target in zip(inputs[batch], targets[batch], strict=True)
        ]
        equations.accumulate(samples, num_threads)
    return PhaseStage(spec, equations.symmetrised().solve(), equations.margin)


def crop_to_multiple(image: NDArray, factor: int) -> NDArray:
    """Return the image without its last rows and columns that fill no block."""
    height, width = (side // factor * factor for side in image.shape)
    return image[:height, :width]


def reduce_image(image: NDArray, factor: float | Fraction) -> NDArray[np.float32]:
    """Reduce by MATLAB's antialiased bicubic, to whole gray levels of 0 to 255, in float32."""
    small = resize_bicubic(image, 1 / Fraction(factor))
    return np.rint(small).clip(0, 255).astype(np.float32)
