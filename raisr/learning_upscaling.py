"""Learning filters that enlarge, from images that are reduced first."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr import __version__
from raisr.bicubic import resize_bicubic
from raisr.block_classes import block_classes, centred_on_blocks, sees_blocks
from raisr.hashing import HashSpec
from raisr.holdout import Holdout, psnr_of
from raisr.normal_equations import check_size
from raisr.phase_equations import PhaseEquations
from raisr.phases import LARGEST, PhaseStage
from raisr.profiles import ProfileSpec, class_map, fit_edges
from raisr.upscaling_bank import UpscalingBank, following
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_companion,
    as_image,
    check_threads,
    whole_number,
)
from raisr.warn import warn_caller

__all__ = [
    "HELD_BACK",
    "RECIPES",
    "crop_to_multiple",
    "learn_from_pairs",
    "learn_upscaling",
    "reduce_image",
]

HELD_BACK = 8
"""Of pairs, and of images of a folder, every so many one is held back to measure."""

_EDGE_IMAGES = 50
_BATCH = 16  # images
_FACTORS = (2, 3, 4)
_LOOK = 7  # side of where a pixel of a source may lie in its target
_FLAT = 1e-2  # gray levels squared


def _spec(directions: int, window: int, *bins: int) -> ProfileSpec:
    """Return a spec of so many directions and bins; its edges are placeholders."""
    edges = (tuple(np.arange(1, count) / count) for count in bins)
    return ProfileSpec(directions, window, 1.0, *edges)


RECIPES = {
    "fast": [(_spec(16, 5, 3, 2, 3, 2), 7, 0)],
    "best": [
        (_spec(24, 7, 4, 2, 4, 3), 7, 0),
        (_spec(24, 7, 4, 2, 3, 3), 7, 0),
        (_spec(16, 7, 3, 2, 3, 2), 7, 0),
    ],
}
"""Of each stage of a shipped model: classes, the side of the filters, and the margin of their
blocks. Few classes are fast: all of their filters fit into the cache."""


def learn_upscaling(
    images: Iterable[ArrayLike],
    factor: int = 2,
    recipe: Sequence[tuple[ProfileSpec, int, int]] = RECIPES["best"],
    *,
    held_back: Iterable[ArrayLike] = (),
    data_range: float | None = None,
    num_threads: int | None = None,
    progress: bool | None = None,
) -> UpscalingBank:
    """Learn filters that enlarge, from images of the kind that is to be enlarged.

    Parameters
    ----------
    images : iterable of (H, W) array_like
        Sharp images, such as the luma of photographs, of any size from one block; all are kept in
        memory, some 20 bytes a pixel. Their sides are cropped to multiples of `factor`.
    factor : {2, 3, 4}
        How many times larger results are. A bank of 3 serves `raisr.upscale` by 1.5, too.
    recipe : sequence of (ProfileSpec, int, int)
        Of each stage: classes, whose edges are replaced by quantiles of the training images, the
        odd side of the filters, and the margin of their blocks. Later stages see results of those
        before, with a block in place of the middle pixel: there, a side of 7 is 8 by 2, 9 by 3 and
        10 by 4. Default: that of the shipped model "best"; `RECIPES` has that of "fast", too.
    held_back : iterable of (H, W) array_like
        Images that nothing is learned from: the result is measured on them.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats.
    num_threads : int, optional
        Default: every core. The result does not depend on it.
    progress : bool, optional
        Show progress bars; default: on a terminal.

    Returns
    -------
    UpscalingBank
        For ``raisr.upscale(image, factor, model=bank)``. Its `metadata` tells how it was learned;
        with `held_back`, "psnr_before" is the PSNR of bicubic interpolation and "psnr_after" that
        of the bank, in dB over all pixels of these images.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape, factor or recipe, no images, NaN or infinity, images smaller than
        a block, constant or nearly constant ones, or fewer pixels than four times the taps of a
        filter.

    Notes
    -----
    Each image is reduced by MATLAB's antialiased bicubic and rounded to whole gray levels. A
    filter minimises the squared error of its class and phase among those whose weights sum to
    one, over all eight rotations and flips (Romano et al., 2016, sections II and III). It undoes
    this reduction and no other: for another one, pass pairs and a `factor` to
    `raisr.learn_filters`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> smooth = [resize_bicubic(rng.uniform(0, 255, (20, 20)), 4).clip(0, 255) for _ in range(3)]
    >>> bank = learn_upscaling(smooth[:2], 2, RECIPES["fast"], held_back=smooth[2:], data_range=255)
    >>> bank.metadata["psnr_after"] > bank.metadata["psnr_before"]
    True
    """
    whole = _check_factor(factor)
    _check_recipe(recipe, whole)
    threads = check_threads(num_threads)
    targets = _targets(images, whole, data_range, "image")
    tests = _targets(held_back, whole, data_range, "image held back")
    sources, smaller = ([reduce_image(t, whole) for t in every] for every in (targets, tests))
    _refuse_useless(targets, sources, recipe)
    bank = _learn(sources, targets, recipe, threads, progress)
    bank.metadata |= _scores(bank, smaller, tests, threads)
    return bank


def learn_from_pairs(
    pairs: Iterable[Sequence[ArrayLike]],
    factor: int,
    stages: int | None,
    *,
    data_range: float | None,
    num_threads: int | None,
    progress: bool | None,
) -> UpscalingBank:
    """Learn filters that enlarge, from pairs: see `factor` of `raisr.learn_filters`."""
    recipe = RECIPES["best"]
    count = len(recipe) if stages is None else whole_number(stages)
    if count not in range(1, len(recipe) + 1):
        raise ValueError(f"stages must be from 1 to {len(recipe)} to enlarge, got {stages!r}")
    threads = check_threads(num_threads)
    planes = [_pair_planes(pair, factor, data_range, place) for place, pair in enumerate(pairs)]
    if not planes:
        raise ValueError("pairs is empty: there is nothing to learn from")
    tests = planes[HELD_BACK - 1 :: HELD_BACK]
    del planes[HELD_BACK - 1 :: HELD_BACK]
    sources, targets = zip(*planes, strict=True)
    _refuse_useless(targets, sources, recipe)
    _look_at_pairs(sources, targets, factor, threads)
    bank = _learn(sources, targets, recipe[:count], threads, progress)
    if tests:
        sources, targets = zip(*tests, strict=True)
        bank.metadata |= _scores(bank, sources, targets, threads)
        before, after = bank.metadata["psnr_before"], bank.metadata["psnr_after"]
        if after < before:
            warn_caller(
                f"the bank is worse than bicubic interpolation: {after:.2f} dB where that has "
                f"{before:.2f} on the pairs held back"
            )
    return bank


def _learn(sources, targets, recipe, threads, progress):
    """Return a bank that makes targets of sources, planes in gray levels."""
    whole = len(targets[0]) // len(sources[0])
    shown = sys.stderr.isatty() if progress is None else bool(progress)
    planes: list[list[NDArray]] = [[] for _ in targets]
    stages: list[PhaseStage] = []
    for spec, size, margin in recipe:
        inputs = [seen or [source] for seen, source in zip(planes, sources, strict=True)]
        step = whole if stages else 1
        shape = margin, len(inputs[0]), size - 1 + step, step
        sample = slice(None, None, max(1, len(sources) // _EDGE_IMAGES))
        if sees_blocks(len(stages)):
            results = [seen[-1] for seen in inputs]
            guides = [centred_on_blocks(result, whole, threads) for result in results[sample]]
            fitted = _fitted(guides, spec)
            classes = [block_classes(result, whole, fitted, threads) for result in results]
        else:
            fitted = _fitted(sources[sample], spec)
            classes = [class_map(GrayImage(source), fitted, threads) for source in sources]
        equations = PhaseEquations(fitted, whole, *shape)
        label = f"stage {len(stages) + 1} of {len(recipe)}" if shown else None
        stage = _learn_stage(inputs, classes, targets, equations, threads, label)
        for place, (seen, target) in enumerate(zip(inputs, targets, strict=True)):
            out = np.empty_like(target)
            stage.run([GrayImage(plane) for plane in seen], classes[place], out, 255, threads)
            planes[place] = following(planes[place], out)
        stages.append(stage)
    facts = {"raisr": __version__, "factor": whole, "pixels": sum(t.size for t in targets)}
    return UpscalingBank(stages, facts | {"training_images": len(targets)})


def _check_factor(factor):
    if (whole := whole_number(factor)) not in _FACTORS:
        raise ValueError(f"factor must be 2, 3 or 4, got {factor!r}")
    return whole


def _check_recipe(recipe, factor):
    if not recipe:
        raise ValueError("recipe is empty: at least one stage is needed")
    for index, (spec, size, margin) in enumerate(recipe):
        if not isinstance(spec, ProfileSpec):
            raise TypeError(f"classes must be a ProfileSpec, got {type(spec).__name__}")
        check_size(size)
        if index and size - 1 + factor > LARGEST:
            raise ValueError(
                f"size of stage {index} must be up to {LARGEST + 1 - factor}, got {size}"
            )
        most = (LARGEST - factor) // 2
        if (whole := whole_number(margin)) is None or not 0 <= whole <= most:
            raise ValueError(f"margin of stage {index} must be from 0 to {most}, got {margin!r}")


def _targets(images, factor, data_range, name):
    """Return images in gray levels, cropped to whole blocks."""
    targets = []
    for index, image in enumerate(images):
        checked = as_image(image, data_range, f"{name} {index}")
        if min(checked.shape) < factor:
            raise ValueError(
                f"{name} {index} is {checked.shape[0]} x {checked.shape[1]}: smaller than a block "
                f"of {factor} x {factor}"
            )
        target = np.ascontiguousarray(crop_to_multiple(checked.levelled().plane(), factor))
        # Reduced images are rounded and clipped, as those of 8 bits.
        targets.append(_centred(target, target) if checked.pedestal else target)
    return targets


def _centred(plane, whole):
    """Return a plane moved such that the values of `whole` lie in the middle of 0 to 255."""
    return plane + np.float32((GRAY_LEVELS - whole.min() - whole.max()) / 2)


def _pair_planes(pair, factor, data_range, index):
    """Return a small and a large image in gray levels, both less the small one's pedestal."""
    if len(pair) != 2:
        raise ValueError(f"a pair to enlarge must be (input, target), got {len(pair)} items")
    small = as_image(pair[0], data_range, f"input {index}")
    large = as_companion(pair[1], small, data_range, f"target {index}")
    wanted = tuple(factor * side for side in small.shape)
    if large.shape != wanted:
        raise ValueError(
            f"target {index} must be {factor} times its input, {wanted[0]} x {wanted[1]}, got "
            f"{large.shape[0]} x {large.shape[1]}"
        )
    large = replace(large, pedestal=small.pedestal)
    planes = small.levelled().plane(), large.levelled().plane()
    return tuple(_centred(plane, planes[1]) for plane in planes) if small.pedestal else planes


def _look_at_pairs(sources, targets, factor, num_threads):
    """Warn where the targets, reduced, lie beside their sources."""
    sums = Holdout(HashSpec(orientations=1, strength_edges=(), coherence_edges=()), 1, _LOOK)
    for number, (source, target) in enumerate(zip(sources[:_BATCH], targets, strict=False)):
        reduced = resize_bicubic(target, 1 / Fraction(factor)).astype(np.float32)
        sums.add([source], reduced, np.zeros(source.shape, np.uint16), number, num_threads)
    sums.look_at_pairs()


def _refuse_useless(targets, sources, recipe):
    if not targets:
        raise ValueError("images is empty: there is nothing to learn from")
    if max(float(target.var()) for target in targets) < _FLAT:
        raise ValueError("each image is constant: there is nothing to learn (is data_range right?)")
    pixels, taps = sum(source.size for source in sources), recipe[0][1] ** 2
    if pixels < 4 * taps:
        raise ValueError(
            f"{pixels} pixels of reduced images are too few to learn filters of {taps} taps from: "
            f"at least {4 * taps} are needed"
        )


def _scores(bank, sources, targets, num_threads):
    """Return the PSNR of bicubic interpolation and of the bank."""
    if not targets:
        return {}
    errors = np.zeros(2)
    for small, target in zip(sources, targets, strict=True):
        out = np.empty_like(target)
        bank.run(GrayImage(small), out, 255, num_threads)
        results = resize_bicubic(small, bank.factor), out
        errors += [np.sum((result.clip(0, 255) - target) ** 2.0) for result in results]
    before, after = errors / sum(target.size for target in targets)
    scores = {"psnr_before": psnr_of(before), "psnr_after": psnr_of(after)}
    return {"held_back_images": len(targets), **scores}


def _fitted(guides, spec):
    try:
        return fit_edges([GrayImage(guide) for guide in guides], spec)
    except ValueError as error:
        raise ValueError(f"the images are too plain to learn from: {error}") from error


def _learn_stage(inputs, classes, targets, equations, num_threads, label):
    from tqdm import tqdm

    for first in tqdm(range(0, len(inputs), _BATCH), label, unit="batch", disable=label is None):
        batch = slice(first, first + _BATCH)
        samples = zip(inputs[batch], targets[batch], classes[batch], strict=True)
        equations.accumulate(list(samples), num_threads)
    filters = equations.symmetrised().solve()
    return PhaseStage(equations.spec, filters, equations.margin, equations.step)


def crop_to_multiple(image: NDArray, factor: int) -> NDArray:
    """Return the image without its last rows and columns that fill no block."""
    height, width = (side // factor * factor for side in image.shape)
    return image[:height, :width]


def reduce_image(image: NDArray, factor: float | Fraction) -> NDArray[np.float32]:
    """Reduce by MATLAB's antialiased bicubic, to whole gray levels of 0 to 255, in float32."""
    small = resize_bicubic(image, 1 / Fraction(factor))
    return np.rint(small).clip(0, 255).astype(np.float32)
