"""Least-squares learning of one linear filter per class."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from raisr import __version__
from raisr.filtering import FilterBank, Stage, run_guided
from raisr.hashing import HashSpec, class_map, resolve_spec
from raisr.holdout import Holdout
from raisr.normal_equations import check_min_samples, check_positive, check_ridge, check_size
from raisr.statistics import statistics_of
from raisr.validate import GRAY_LEVELS, GrayImage, as_companion, as_image, check_threads
from raisr.warn import warn_caller

if TYPE_CHECKING:
    from raisr.colour_bank import ColourBank

__all__ = ["learn_filters"]

_EDGE_IMAGES = 50


def learn_filters(
    pairs: Iterable[Sequence[ArrayLike]],
    spec: HashSpec | str | Sequence[HashSpec | str] | None = None,
    *,
    size: int = 7,
    stages: int | None = None,
    edges: str = "quantile",
    ridge: float = 1e-6,
    symmetric: bool = True,
    min_samples: int | None = None,
    channel_axis: int | None = None,
    data_range: float | None = None,
    num_threads: int | None = None,
    progress: bool | None = None,
) -> "FilterBank | ColourBank":
    """Learn a filter bank from pairs of images.

    Parameters
    ----------
    pairs : iterable of (input, target) or (input, target, guide)
        Two-dimensional images of one shape and white: what the filters will see, what they
        should give, and optionally the image that the first stage hashes instead of the input.
        Types with different white need `data_range`. The pairs are gone through once to fit
        edges and once to learn, for each stage; an iterator that can be read only once is first
        copied to memory.
    spec : HashSpec or str, or a list of these, optional
        What a class is, or the name of a preset; a list gives each stage its own. Default:
        "blade".
    size : int
        Odd side of the filters, 1 to 15.
    stages : int, optional
        Number of stages, where `spec` is not a list; default 1. Later ones hash the output of
        the one before, and filter it together with the input.
    edges : {"quantile", "fixed"}
        "quantile" replaces the edges of strength and coherence, for each stage, by quantiles of
        the training statistics, so that bins are equally filled; "fixed" keeps the spec's. Where
        so much is flat that a quantile is 0, the spec's are kept, with a warning.
    ridge : float
        See `NormalEquations.solve`.
    symmetric : bool
        Learn from all eight rotations and flips of the images, at no cost per pixel.
    min_samples : int, optional
        See `NormalEquations.solve`.
    channel_axis : int, optional
        Axis of red, green and blue in pairs of colour images, (input, target). The result is a
        ColourBank: the luma is learned as a gray image, then each plane of chroma, whose first
        stage hashes the filtered luma.
    data_range : float, optional
        Value of white in the images: by default the maximum of the input's integer type, 1.0 for
        floats.
    num_threads : int, optional
        Default: every core. The result does not depend on it.
    progress : bool, optional
        Show a progress bar; default: on a terminal.

    Returns
    -------
    FilterBank, or ColourBank where `channel_axis` is given
        Its `metadata` tells how it was learned. "psnr_before" and "psnr_after" are dB of the
        inputs and of filtered images on an eighth of the pixels ("held_back_pixels", blocks of
        8 x 8), by filters of the last stage that were learned without these; the bank itself is
        learned from all. "edges" is "quantile", "fixed" or "mixed", with the "fixed_edges".

    Raises
    ------
    TypeError, ValueError
        For images of another dtype or shape, images of a pair of different white, an empty
        `pairs`, NaN or infinity, constant inputs or targets, or fewer pixels than four times the
        taps of a filter.

    Warns
    -----
    UserWarning
        Where values do not fit white, the images of a pair do not lie on each other, edges are
        kept, or the bank is worse than nothing on held-back pixels.

    Notes
    -----
    Each class's filter ``w`` and bias ``b`` minimise ``sum (w . taps + b - target)**2 +
    r |w|**2`` (Romano et al., 2016, equation 2, with a bias), r being `ridge` times the mean
    eigenvalue of the sums of products of the taps about their mean. The time is that of half a
    matrix product of ``planes * size**2`` columns per pixel.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.integers(0, 256, (48, 48)).astype(np.float32)
    >>> bank = learn_filters([(clean, 255 - clean)], size=3, data_range=255)
    >>> float(np.abs(bank.apply(clean, data_range=255) - (255 - clean)).max()) < 0.1
    True
    """
    options = {
        "spec": spec,
        "size": size,
        "stages": stages,
        "edges": edges,
        "ridge": ridge,
        "symmetric": symmetric,
        "min_samples": min_samples,
        "data_range": data_range,
        "num_threads": num_threads,
        "progress": progress,
    }
    if channel_axis is None:
        return learn_gray(pairs, **options)
    from raisr.colour_learning import learn_colour

    return learn_colour(pairs, channel_axis, **options)


def learn_gray(
    pairs,
    *,
    spec,
    size,
    stages,
    edges,
    ridge,
    symmetric,
    min_samples,
    data_range,
    num_threads,
    progress,
):
    """Learn from pairs of two-dimensional images: see `learn_filters`."""
    if edges not in ("quantile", "fixed"):
        raise ValueError(f'edges must be "quantile" or "fixed", got {edges!r}')
    size = check_size(size)
    check_ridge(ridge)
    min_samples = check_min_samples(min_samples)
    options = {"ridge": ridge, "min_samples": min_samples, "symmetric": bool(symmetric)}
    specs = _stage_specs(spec, stages)
    if iter(pairs) is pairs:
        pairs = list(pairs)
    source = _Source(pairs, data_range, check_threads(num_threads), progress)
    facts: dict = {"raisr": __version__, "symmetric": bool(symmetric), "ridge": float(ridge)}
    learned: list[Stage] = []
    fixed: list[str] = []
    for index, stage_spec in enumerate(specs):
        if edges == "quantile":
            stage_spec, kept = _fit_edges(source, learned, stage_spec)
            fixed += [f"{name} of stage {index}" for name in kept]
        sums = Holdout(stage_spec, 1 if index == 0 else 2, size)
        samples = source.samples(learned, f"stage {index + 1} of {len(specs)}")
        for number, (planes, target, guide) in enumerate(samples):
            classes = class_map(GrayImage(guide), stage_spec, source.num_threads)
            sums.add(planes, target, classes, number, source.num_threads)
        if index == 0:
            sums.look_at_pairs()
        if index == len(specs) - 1:
            facts |= sums.errors(**options)
        equations = sums.all()
        facts["pixels"] = int(equations.counts.sum())
        if symmetric:
            equations = equations.symmetrised()
        filters, bias, thin = equations.solve(**options)
        facts.setdefault("thin_classes", []).append(int(thin.sum()))
        learned.append(Stage(stage_spec, filters, bias))
    return FilterBank(learned, facts | _edge_facts(edges, fixed, len(specs)))


def _edge_facts(edges, fixed, stages):
    """Return which edges were fitted, and warn where these are not all that were to be."""
    if not fixed:
        return {"edges": edges}
    warn_caller(
        f"edges stay as the spec has them where too much of the images is flat: {', '.join(fixed)}"
    )
    return {"edges": "fixed" if len(fixed) == 2 * stages else "mixed", "fixed_edges": fixed}


def _stage_specs(spec, stages):
    if isinstance(spec, (list, tuple)):
        if not spec or stages not in (None, len(spec)):
            raise ValueError(f"stages must be the number of specs, {len(spec)}, got {stages!r}")
        return [resolve_spec(item) for item in spec]
    count = 1 if stages is None else stages
    return [resolve_spec("blade" if spec is None else spec)] * check_positive(count, "stages")


class _Source:
    """Training pairs as planes in gray levels, run through the stages learned so far."""

    def __init__(self, pairs, data_range, num_threads, progress):
        self.pairs, self.data_range, self.num_threads = pairs, data_range, num_threads
        self.progress = sys.stderr.isatty() if progress is None else progress

    def samples(self, stages, label, step=1):
        """Yield (planes, target, hashed plane) for the stage after `stages`, every `step` pairs."""
        from tqdm import tqdm

        total = len(self.pairs) if hasattr(self.pairs, "__len__") else None
        empty = True
        bar = tqdm(self.pairs, label, total, unit="image", disable=not self.progress)
        for index, pair in enumerate(bar):
            empty = False
            if index % step:
                continue
            image, target, guide = self._planes(pair)
            if not stages:
                yield [image], target, guide
            else:
                out = np.empty(image.shape, np.float32)
                first = GrayImage(image), GrayImage(guide)
                run_guided(stages, *first, out, GRAY_LEVELS, self.num_threads)
                yield [image, out], target, out
        if empty:
            raise ValueError("pairs is empty: there is nothing to learn from")

    def _planes(self, pair):
        if len(pair) not in (2, 3):
            raise ValueError(f"a pair must be (input, target[, guide]), got {len(pair)} items")
        names = ("input", "target", "guide")
        first = as_image(pair[0], self.data_range, names[0])
        others = [
            as_companion(image, first, self.data_range, name)
            for image, name in zip(pair[1:], names[1:], strict=False)
        ]
        if any(image.shape != first.shape for image in others):
            raise ValueError(
                f"images of a pair must have one shape, got {[i.shape for i in (first, *others)]}"
            )
        # A pair has one pedestal, that of the input, so that an added constant changes nothing.
        target = replace(others[0], pedestal=first.pedestal)
        planes = [image.levelled().plane() for image in (first, target, *others[1:])]
        return planes[0], planes[1], planes[-1 if len(pair) == 3 else 0]


def _fit_edges(source, stages, spec):
    """Spec whose bins of strength and coherence are equally filled on the training images."""
    strengths, coherences = [], []
    step = max(1, len(source.pairs) // _EDGE_IMAGES) if hasattr(source.pairs, "__len__") else 1
    for _, _, guide in source.samples(stages, "edges", step):
        found = statistics_of(GrayImage(guide), spec, source.num_threads)
        # Every 13th pixel of 50 images or more: some 500,000 samples.
        strengths.append(found.strength.ravel()[::13])
        coherences.append(found.coherence.ravel()[::13])
    fitted = {
        "strength_edges": _quantiles(strengths, len(spec.strength_edges)),
        "coherence_edges": _quantiles(coherences, len(spec.coherence_edges)),
    }
    kept = [name for name, found in fitted.items() if found is None]
    fitted = {name: found for name, found in fitted.items() if found is not None}
    return replace(spec, **fitted), kept


def _quantiles(parts, count):
    """Edges of equally filled bins; None where too many values are alike."""
    found = np.quantile(np.concatenate(parts), np.arange(1, count + 1) / (count + 1))
    usable = np.all(found > 0) and np.all(np.diff(found) > 0)
    return tuple(found.tolist()) if usable else None
