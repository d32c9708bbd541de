"""Least-squares learning of one linear filter per class."""

import dataclasses
import sys
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from raisr import __version__
from raisr.filtering import FilterBank, Stage
from raisr.hashing import HashSpec, class_map, resolve_spec
from raisr.normal_equations import NormalEquations, check_ridge, check_size
from raisr.statistics import gradient_statistics
from raisr.validate import GrayImage, as_image, check_threads

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
    data_range: float | None = None,
    num_threads: int | None = None,
    progress: bool | None = None,
) -> FilterBank:
    """Learn a filter bank from pairs of images.

    Parameters
    ----------
    pairs : iterable of (input, target) or (input, target, guide)
        Two-dimensional images of one shape: what the filters will see, what they should give,
        and optionally the image that the first stage hashes instead of the input. It is gone
        through once to fit edges and once to learn, for each stage; an iterator that can be read
        only once is first copied to memory.
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
        the training statistics, so that bins are equally filled; "fixed" keeps the spec's.
    ridge : float
        See `NormalEquations.solve`.
    symmetric : bool
        Learn from all eight rotations and flips of the images, at no cost per pixel.
    min_samples : int, optional
        See `NormalEquations.solve`.
    data_range : float, optional
        Value of white in the images: by default the maximum of an integer type, 1.0 for floats.
    num_threads : int, optional
        Default: every core. The result does not depend on it.
    progress : bool, optional
        Show a progress bar; default: on a terminal.

    Returns
    -------
    FilterBank

    Raises
    ------
    TypeError, ValueError
        For images of another dtype or shape, an empty `pairs`, NaN or infinity.

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
    if edges not in ("quantile", "fixed"):
        raise ValueError(f'edges must be "quantile" or "fixed", got {edges!r}')
    check_size(size)
    check_ridge(ridge)
    specs = _stage_specs(spec, stages)
    if iter(pairs) is pairs:
        pairs = list(pairs)
    source = _Source(pairs, data_range, check_threads(num_threads), progress)
    facts: dict = {"raisr": __version__, "symmetric": symmetric, "edges": edges, "ridge": ridge}
    learned: list[Stage] = []
    for index, stage_spec in enumerate(specs):
        if edges == "quantile":
            stage_spec = _fit_edges(source, learned, stage_spec)
        equations = NormalEquations(stage_spec, 1 if index == 0 else 2, size)
        for planes, target, guide in source.samples(learned, f"stage {index + 1} of {len(specs)}"):
            classes = class_map(GrayImage(guide), stage_spec, source.num_threads)
            equations.add(planes, target, classes, source.num_threads)
        facts["pixels"] = int(equations.counts.sum())
        if symmetric:
            equations = equations.symmetrised()
        filters, bias, thin = equations.solve(
            ridge=ridge, min_samples=min_samples, symmetric=symmetric
        )
        facts.setdefault("thin_classes", []).append(int(thin.sum()))
        learned.append(Stage(stage_spec, filters, bias))
    return FilterBank(learned, facts)


def _stage_specs(spec, stages):
    if isinstance(spec, (list, tuple)):
        if not spec or stages not in (None, len(spec)):
            raise ValueError(f"stages must be the number of specs, {len(spec)}, got {stages!r}")
        return [resolve_spec(item) for item in spec]
    count = 1 if stages is None else stages
    if isinstance(count, bool) or int(count) != count or count < 1:
        raise ValueError(f"stages must be a positive whole number, got {stages!r}")
    return [resolve_spec("blade" if spec is None else spec)] * int(count)


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
                bank = FilterBank(stages)
                out = bank.apply(image, guide, data_range=255, num_threads=self.num_threads)
                yield [image, out], target, out
        if empty:
            raise ValueError("pairs is empty: there is nothing to learn from")

    def _planes(self, pair):
        if len(pair) not in (2, 3):
            raise ValueError(f"a pair must be (input, target[, guide]), got {len(pair)} items")
        names = ("input", "target", "guide")
        planes = [
            as_image(image, self.data_range, name).plane()
            for image, name in zip(pair, names, strict=False)
        ]
        if len({plane.shape for plane in planes}) > 1:
            raise ValueError(
                f"images of a pair must have one shape, got {[p.shape for p in planes]}"
            )
        return planes[0], planes[1], planes[-1 if len(pair) == 3 else 0]


def _fit_edges(source, stages, spec):
    """Spec whose bins of strength and coherence are equally filled on the training images."""
    strengths, coherences = [], []
    step = max(1, len(source.pairs) // _EDGE_IMAGES) if hasattr(source.pairs, "__len__") else 1
    for _, _, guide in source.samples(stages, "edges", step):
        found = gradient_statistics(guide, spec, data_range=255, num_threads=source.num_threads)
        # Every 13th pixel of 50 images or more: some 500,000 samples.
        strengths.append(found.strength.ravel()[::13])
        coherences.append(found.coherence.ravel()[::13])
    return dataclasses.replace(
        spec,
        strength_edges=_quantiles(strengths, len(spec.strength_edges), spec.strength_edges),
        coherence_edges=_quantiles(coherences, len(spec.coherence_edges), spec.coherence_edges),
    )


def _quantiles(parts, count, fallback):
    found = np.quantile(np.concatenate(parts), np.arange(1, count + 1) / (count + 1))
    usable = np.all(found > 0) and np.all(np.diff(found) > 0)
    return tuple(found.tolist()) if usable else fallback
