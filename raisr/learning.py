"""Least-squares learning of one linear filter per class."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from inspect import signature
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from raisr import __version__
from raisr.edges import edge_facts, edge_samples, edge_step, edges_of, warn_of_fixed_edges
from raisr.filtering import FilterBank, Stage, run_guided
from raisr.hashing import HashSpec, class_map, resolve_spec
from raisr.holdout import Holdout, psnr_of
from raisr.normal_equations import check_min_samples, check_positive, check_ridge, check_size
from raisr.pairs import is_sequence, some_of
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_companion,
    as_image,
    check_threads,
    whole_number,
)
from raisr.warn import warn_caller

if TYPE_CHECKING:
    from raisr.colour_bank import ColourBank
    from raisr.upscaling_bank import UpscalingBank

__all__ = ["Source", "check_one_shape", "learn_filters", "learn_from", "warn_of_facts"]


def learn_filters(
    pairs: Iterable[Sequence[ArrayLike]],
    spec: HashSpec | str | Sequence[HashSpec | str] | None = None,
    *,
    size: int = 7,
    stages: int | None = None,
    factor: int = 1,
    edges: str = "quantile",
    ridge: float = 1e-6,
    symmetric: bool | None = None,
    min_samples: int | None = None,
    channel_axis: int | None = None,
    data_range: float | None = None,
    num_threads: int | None = None,
    progress: bool | None = None,
    client: Any = None,
) -> "FilterBank | ColourBank | UpscalingBank":
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
    factor : {1, 2, 3, 4}
        How many times larger targets are than inputs. Above 1, the result is an UpscalingBank for
        ``raisr.upscale(image, factor, model=bank)``, of the kind of the shipped model "best":
        `stages` is 1 to 3, by default 3, and `spec`, `size`, `edges`, `ridge`, `symmetric`,
        `min_samples`, `channel_axis` and `client` must be left out. Pairs are gray, all are kept in
        memory, and every eighth is held back: the filters are measured on it, and not learned from
        it. The middles of images must coincide. `raisr.learn_upscaling` makes pairs of sharp
        images.
    edges : {"quantile", "fixed"}
        "quantile" replaces the edges of strength and coherence, for each stage, by quantiles of
        the training statistics, so that bins are equally filled; "fixed" keeps the spec's. Where
        so much is flat that a quantile is 0, the spec's are kept, with a warning.
    ridge : float
        See `NormalEquations.solve`.
    symmetric : bool, optional
        Learn from all eight rotations and flips of the images, at no cost per pixel; not so where
        the task has a direction, as motion blur or interlacing have. Default: a comparison on the
        held-back pixels decides at the first stage; eight views are used unless the first stage
        is more than 0.1 dB better without them.
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
    client : distributed.Client, optional
        Dask cluster whose workers go through the pairs, each with threads of its own. A list of
        pairs travels to them; of another sequence, such as one that reads files, each worker
        takes the items itself. Only the order of float64 sums differs.

    Returns
    -------
    FilterBank, ColourBank where `channel_axis` is given, or UpscalingBank
        Its `metadata` tells how it was learned. "psnr_before" and "psnr_after" are dB of the
        inputs and of filtered images on an eighth of the pixels ("held_back_pixels", blocks of
        8 x 8), by filters of the last stage that were learned without these; the bank itself is
        learned from all. "edges" is "quantile", "fixed" or "mixed", with the "fixed_edges". Of
        colour, these are over all planes; "luma", "chroma0" and "chroma1" hold those of each. Of
        filters that enlarge, they are those of bicubic interpolation and of the bank on the pairs
        that were held back, if there are any.

    Raises
    ------
    TypeError, ValueError
        For images of another dtype or shape, images of a pair of different white, an empty
        `pairs`, NaN or infinity, constant inputs or targets, or fewer pixels than four times the
        taps of a filter.

    Warns
    -----
    UserWarning
        Where values do not fit white, the images of a pair are equal or do not lie on each other,
        edges are kept, or the bank is worse than nothing on held-back pixels.

    See Also
    --------
    raisr.learn_upscaling : Filters that enlarge, from sharp images alone.

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
        "client": client,
    }
    if (whole := whole_number(factor)) not in (1, 2, 3, 4):
        raise ValueError(f"factor must be 1, 2, 3 or 4, got {factor!r}")
    if whole != 1:
        return _learn_enlarging(pairs, whole, channel_axis=channel_axis, **options)
    if channel_axis is None:
        return learn_gray(pairs, **options)
    from raisr.colour_learning import learn_colour

    return learn_colour(pairs, channel_axis, **options)


def _learn_enlarging(pairs, factor, *, stages, data_range, num_threads, progress, **options):
    """Learn from pairs of small and large images: see `factor` of `learn_filters`."""
    known = signature(learn_filters).parameters
    for name, value in options.items():
        default = known[name].default
        if type(value) is not type(default) or value != default:
            raise ValueError(
                f"{name} has no effect where factor is not 1, and pairs are gray: leave it out"
            )
    from raisr.learning_upscaling import learn_from_pairs

    options = {"data_range": data_range, "num_threads": num_threads, "progress": progress}
    return learn_from_pairs(pairs, factor, stages, **options)


def learn_gray(pairs, *, data_range, num_threads, progress, client, **options):
    """Learn from pairs of two-dimensional images: see `learn_filters`."""
    source = Source(pairs, data_range, check_threads(num_threads), progress, client)
    bank = learn_from(source, **options)
    warn_of_facts(bank.metadata)
    return bank


def warn_of_facts(facts):
    """Warn where edges stay, and of what is equal or made worse on held-back pixels."""
    warn_of_fixed_edges(facts)
    before, after = facts["psnr_before"], facts["psnr_after"]
    planes = [facts[plane] for plane in ("luma", "chroma0", "chroma1") if plane in facts]
    if all(plane["psnr_before"] == psnr_of(0) for plane in planes or [facts]):
        warn_caller("each target is its input, or nearly: there is nothing to learn")
    elif before is not None and after < before:
        warn_caller(
            f"the bank is worse than nothing: on held-back pixels, {before:.2f} dB before "
            f"and {after:.2f} dB after"
        )


def learn_from(source, *, spec, size, stages, edges, ridge, symmetric, min_samples):
    """Learn from a `Source`; what `learn_filters` warns of after learning is in the metadata."""
    if edges not in ("quantile", "fixed"):
        raise ValueError(f'edges must be "quantile" or "fixed", got {edges!r}')
    size = check_size(size)
    check_ridge(ridge)
    min_samples = check_min_samples(min_samples)
    options = {"ridge": ridge, "min_samples": min_samples}
    specs = _stage_specs(spec, stages)
    source.keep()
    work = source if source.client is None else _workers_of(source)
    facts: dict = {"raisr": __version__, "ridge": float(ridge)}
    learned: list[Stage] = []
    fixed: list[str] = []
    for index, stage_spec in enumerate(specs):
        if edges == "quantile":
            stage_spec, kept = edges_of(work.edge_samples(learned, stage_spec), stage_spec)
            fixed += [f"{name} of stage {index}" for name in kept]
        label = f"stage {index + 1} of {len(specs)}"
        sums = work.sums(learned, stage_spec, size, label)
        if index == 0:
            sums.look_at_pairs(source.plane, source.warn)
            symmetric = sums.is_symmetric(**options) if symmetric is None else bool(symmetric)
            options["symmetric"] = facts["symmetric"] = symmetric
        if index == len(specs) - 1:
            facts |= sums.errors(**options)
        equations = sums.all()
        facts["pixels"] = int(equations.counts.sum())
        if symmetric:
            equations = equations.symmetrised()
        filters, bias, thin = equations.solve(**options)
        facts.setdefault("thin_classes", []).append(int(thin.sum()))
        learned.append(Stage(stage_spec, filters, bias))
    return FilterBank(learned, facts | edge_facts(edges, fixed, len(specs)))


def _workers_of(source):
    from raisr.distributed import Workers

    return Workers(source)


def _stage_specs(spec, stages):
    if isinstance(spec, (list, tuple)):
        if not spec or stages not in (None, len(spec)):
            raise ValueError(f"stages must be the number of specs, {len(spec)}, got {stages!r}")
        return [resolve_spec(item) for item in spec]
    count = 1 if stages is None else stages
    return [resolve_spec("blade" if spec is None else spec)] * check_positive(count, "stages")


class Source:
    """Training pairs as planes in gray levels, run through the stages learned so far.

    Parameters
    ----------
    pairs, data_range, progress, client
        See `learn_filters`.
    num_threads : int
    """

    plane = ""
    """What the planes are of an image, for error messages; "" for the image itself."""
    warn = staticmethod(warn_caller)
    first = 0
    """The number of the first pair, where these are a part of all."""

    def __init__(self, pairs, data_range, num_threads, progress, client=None):
        self.pairs, self.data_range, self.num_threads = pairs, data_range, num_threads
        self.client = client
        self.progress = sys.stderr.isatty() if progress is None else progress

    def keep(self):
        """Copy pairs that can be read only once."""
        if iter(self.pairs) is self.pairs:
            self.pairs = list(self.pairs)

    def edge_samples(self, stages, spec):
        """Return what the edges of the stage after `stages` are fitted to, of some pairs."""
        pairs = self.pairs
        step = edge_step(len(pairs)) if hasattr(pairs, "__len__") else 1
        if step > 1:
            places = range(0, len(pairs), step)
            pairs = some_of(pairs, places) if is_sequence(pairs) else islice(pairs, 0, None, step)
        guides = (guide for _, _, guide in self.samples(pairs, stages, "edges"))
        return edge_samples(guides, spec, self.num_threads)

    def sums(self, stages, spec, size, label=""):
        """Return the Holdout of the stage after `stages`."""
        sums = Holdout(spec, 1 if not stages else 2, size)
        samples = self.samples(self.pairs, stages, label)
        for number, (planes, target, guide) in enumerate(samples, self.first):
            classes = class_map(GrayImage(guide), spec, self.num_threads)
            sums.add(planes, target, classes, number, self.num_threads)
        return sums

    def samples(self, pairs, stages, label):
        """Yield (planes, target, hashed plane) for the stage after `stages`, of each pair."""
        from tqdm import tqdm

        empty = True
        for pair in tqdm(pairs, label, unit="image", disable=not self.progress):
            empty = False
            image, target, guide = self.planes_of(pair)
            if not stages:
                yield [image], target, guide
            else:
                out = np.empty(image.shape, np.float32)
                first = GrayImage(image), GrayImage(guide)
                run_guided(stages, *first, out, GRAY_LEVELS, self.num_threads)
                yield [image, out], target, out
        if empty:
            raise ValueError("pairs is empty: there is nothing to learn from")

    def planes_of(self, pair):
        """Return the input, the target and what the first stage hashes, in gray levels."""
        if len(pair) not in (2, 3):
            raise ValueError(f"a pair must be (input, target[, guide]), got {len(pair)} items")
        names = ("input", "target", "guide")
        first = as_image(pair[0], self.data_range, names[0])
        others = [
            as_companion(image, first, self.data_range, name)
            for image, name in zip(pair[1:], names[1:], strict=False)
        ]
        check_one_shape([first, *others])
        # A pair has one pedestal, that of the input, so that an added constant changes nothing.
        target = replace(others[0], pedestal=first.pedestal)
        planes = [image.levelled().plane() for image in (first, target, *others[1:])]
        return planes[0], planes[1], planes[-1 if len(pair) == 3 else 0]


def check_one_shape(images):
    """Refuse images of a pair that have not one shape."""
    if len({image.shape for image in images}) > 1:
        raise ValueError(
            f"images of a pair must have one shape, got {[image.shape for image in images]}"
        )
