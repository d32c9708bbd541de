"""Sums over training pixels, and the least-squares filters that follow from them."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from raisr.blocks import aligned_empty
from raisr.hashing import check_classes, resolve_spec
from raisr.least_squares import known_solution
from raisr.symmetry import canonical_classes, dihedral_views, expand
from raisr.validate import GRAY_LEVELS, GrayImage, as_image, check_threads, whole_number

__all__ = [
    "NormalEquations",
    "check_min_samples",
    "check_positive",
    "check_ridge",
    "check_size",
]

_CENTRE = np.float32(128)
_STRIP_PIXELS = 1 << 18
_OVERREAD = 16


class NormalEquations:
    """Sums from which every class's least-squares filter follows.

    For each class, the Gram matrix of the samples ``[taps - 128, 1, target - 128]`` in float64:
    ``A^T A``, ``A^T b``, ``b^T b`` and the number of samples. Sums of two data sets add up, so
    they can be accumulated anywhere and merged.

    Parameters
    ----------
    spec : HashSpec or str
        What a class is, or the name of a preset.
    planes : int
        Number of image planes the filters reach into.
    size : int
        Odd side of the filters, 1 to 15.

    Attributes
    ----------
    totals : (num_classes, n, n) float64, n = planes * size**2 + 2
        Gram matrices; only the upper triangles are kept.
    """

    def __init__(self, spec, planes=1, size=7):
        self.spec, self.size = resolve_spec(spec), check_size(size)
        self.planes = check_positive(planes, "planes")
        self.taps = self.planes * self.size**2
        self.totals = np.zeros((self.spec.num_classes, self.taps + 2, self.taps + 2))

    @property
    def counts(self):
        """Number of samples of each class, (num_classes,) int64."""
        return self.totals[:, self.taps, self.taps].round().astype(np.int64)

    def add(self, planes, target, classes, num_threads=1):
        """Accumulate one image.

        Classes are summed by different threads, each in the order of the pixels: the totals do
        not depend on the number of threads.

        Parameters
        ----------
        planes : sequence of (H, W) array_like
            As many as the filters reach into, in gray levels (255 is white, whatever the type).
        target : (H, W) array_like
            What the filters should give, in gray levels.
        classes : (H, W) integer array
            Class of each pixel, as `raisr.hash_image` returns it.
        num_threads : int, optional
            None: every core.

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape, another number of planes, NaN or infinity, or a class
            that is not one of the spec's.
        """
        if len(planes) != self.planes:
            raise ValueError(f"planes must be {self.planes} image(s), got {len(planes)}")
        images = [
            as_image(image, GRAY_LEVELS, name, white_matters=False)
            for image, name in zip(
                (*planes, target), ["plane"] * self.planes + ["target"], strict=True
            )
        ]
        shape = images[-1].shape
        if any(image.shape != shape for image in images):
            raise ValueError(f"planes must have the target's shape {shape}")
        classes = check_classes(classes, self.spec)
        if classes.shape != shape:
            raise ValueError(f"classes must have the target's shape {shape}, got {classes.shape}")
        self._sum(images, classes.astype(np.uint16, copy=False), check_threads(num_threads))

    def accumulate(self, planes, target, classes, num_threads):
        """Do what `add` does, with float32 arrays and classes that are known to be right.

        Pixels of the class `num_classes` are left out.
        """
        self._sum([GrayImage(plane) for plane in (*planes, target)], classes, num_threads)

    def _sum(self, images, classes, num_threads):
        from raisr.kernels.gram import workspace

        n = self.taps + 2
        right = np.dtype(np.float64), (len(self.totals), n, n), True
        found = self.totals.dtype, self.totals.shape, self.totals.flags.c_contiguous
        if found != right or len(self.totals) < self.spec.num_classes:
            raise ValueError(f"totals must be (classes, {n}, {n}) float64")
        height, width = classes.shape
        rows = min(height, max(1, _STRIP_PIXELS // width))
        scratch = [workspace(n) for _ in range(num_threads)]
        rooms = itertools.cycle([self._room(rows, width) for _ in range(min(num_threads, 2))])
        strips = [(images, classes, y0, rows) for y0 in range(0, height, rows)]
        if num_threads == 1:
            for strip in strips:
                self._add_strip(self._read(*strip, next(rooms)), scratch, map)
            return
        with ThreadPoolExecutor(num_threads) as pool:
            # While one strip is summed, the next is read.
            following = pool.submit(self._read, *strips[0], next(rooms))
            for strip in strips[1:]:
                current = following.result()
                following = pool.submit(self._read, *strip, next(rooms))
                self._add_strip(current, scratch, pool.map)
            self._add_strip(following.result(), scratch, pool.map)

    def _room(self, rows, width):
        """Memory for the planes with a margin, the target, and the positions of a strip."""
        margin = 2 * (self.size // 2)
        length = -(-(width + margin + _OVERREAD) // 16) * 16
        shape = self.planes, rows + margin, length
        return aligned_empty(shape), aligned_empty((rows, width)), np.empty(rows * width, np.int32)

    def _read(self, images, classes, y0, rows, room):
        """Pixels of some rows, less 128, and their positions sorted by class."""
        from raisr.kernels.gram import sort_by_class
        from raisr.kernels.pixels import read_tile

        margin, classes = self.size // 2, classes[y0 : y0 + rows]
        rows = len(classes)
        padded, target, order = room[0], room[1][:rows], room[2][: classes.size]
        if rows < len(room[1]):  # the last; still contiguous
            shape = len(padded), rows + 2 * margin, padded.shape[2]
            padded = padded.ravel()[: np.prod(shape)].reshape(shape)
        for image, out in zip(images, padded, strict=False):
            read_tile(image.source, y0 - margin, -margin, _CENTRE, out)
        read_tile(images[-1].source, y0, 0, _CENTRE, target)
        starts = sort_by_class(classes, len(self.totals) + 1, order)[:-1]
        return padded, target[np.newaxis], order, starts

    def _add_strip(self, strip, scratch, run):
        from raisr.kernels.gram import accumulate_classes, patch_kernel

        patches = patch_kernel(self.size)

        def block(bounds):
            room = scratch.pop()
            accumulate_classes(patches, 1, *strip, *bounds, *room, self.totals)
            scratch.append(room)

        starts = strip[-1]
        shares = np.linspace(0, starts[-1], 8 * len(scratch) + 1)[1:-1]
        cuts = [0, *np.searchsorted(starts, shares).tolist(), len(self.totals)]
        blocks = [bounds for bounds in itertools.pairwise(cuts) if bounds[0] < bounds[1]]
        # The largest first, so that threads end together.
        blocks.sort(key=lambda bounds: starts[bounds[0]] - starts[bounds[1]])
        for _ in run(block, blocks):
            pass

    def merge(self, other):
        """Add the sums of `other`, which must have the same spec, planes and size."""
        if not isinstance(other, NormalEquations):
            raise TypeError(f"other must be NormalEquations, got {type(other).__name__}")
        if (self.spec, self.planes, self.size) != (other.spec, other.planes, other.size):
            raise ValueError("only equations of the same spec, planes and size can be merged")
        self.totals += other.totals
        return self

    def symmetrised(self):
        """Return the equations of the data seen in all eight rotations and flips.

        A view permutes the taps and moves a class's samples to the class of the turned
        orientation, so no image is hashed or packed again.
        """
        index, views = np.arange(self.taps + 2), dihedral_views(self.spec)
        patch = index[: self.taps].reshape(self.planes, self.size, self.size)
        found = np.triu(self.totals) + np.triu(self.totals, 1).swapaxes(1, 2)
        found = found.reshape(len(found), -1)
        for transform, destination in (views[2], views[1], views[4]):  # halves, quarters, flips
            order = np.r_[transform(patch).ravel(), index[self.taps :]]
            products = order[:, None] * len(index) + order
            found += found.take(products.ravel(), axis=1)[np.argsort(destination)]
        result = NormalEquations(self.spec, self.planes, self.size)
        result.totals = found.reshape(self.totals.shape)
        return result

    def squared_error(self, filters, bias):
        """Return the sum over all pixels of the squared error that a stage's filters leave.

        Parameters
        ----------
        filters : (num_classes, planes, size, size) array
        bias : (num_classes,) array
            Gray levels.
        """
        weights = np.asarray(filters, np.float64).reshape(-1, self.taps)
        offset = bias - float(_CENTRE) * (1 - weights.sum(axis=1))
        vectors = np.column_stack([weights, offset, np.full(len(weights), -1.0)])
        found, kept = 0.0, np.tri(self.taps + 2).T
        for vector, total in zip(vectors, self.totals, strict=True):
            upper = kept * total
            found += 2 * vector @ upper @ vector - vector**2 @ np.diag(upper)
        return found

    def solve(self, *, ridge=1e-6, min_samples=None, symmetric=False):
        """Solve for the filters of every class.

        Parameters
        ----------
        ridge : float
            Added to the eigenvalues of the covariances of the taps, as a share of their mean.
            Directions without any variance get no weight.
        min_samples : int, optional
            A class with fewer samples is *thin* and borrows, by the rule "pooled neighbours":
            the sums of the classes of the same orientation within 1, 2, ... steps of strength
            and coherence are added until there are enough, then those of all orientations.
            Default: four times the number of taps. Without any sample at all, the filter is the
            identity on the last plane.
        symmetric : bool
            Solve for the canonical classes only and turn their filters for all others: for
            equations that are `symmetrised`.

        Returns
        -------
        filters : (num_classes, planes, size, size) float32
        bias : (num_classes,) float32
            Gray levels.
        thin : (num_classes,) bool
            Classes that borrowed.
        """
        check_ridge(ridge)
        min_samples = check_min_samples(min_samples)
        if min_samples is None:
            min_samples = 4 * self.taps
        if not np.isfinite(self.totals).all():
            raise ValueError("sums are not finite: values are too large (is data_range right?)")
        counts = self.counts
        thin = counts < min_samples
        filters = np.zeros((self.spec.num_classes, self.taps), np.float32)
        bias = np.zeros(self.spec.num_classes, np.float32)
        for c in canonical_classes(self.spec) if symmetric else range(self.spec.num_classes):
            gram = self._pooled(c, counts, min_samples) if thin[c] else self.totals[c]
            filters[c], bias[c] = self._solve_one(gram, ridge)
        filters = filters.reshape(-1, self.planes, self.size, self.size)
        return *(expand(self.spec, filters, bias) if symmetric else (filters, bias)), thin

    def _solve_one(self, gram, ridge):
        n, taps = gram[self.taps, self.taps], self.taps
        if n == 0:
            weights = np.zeros(taps)
            weights[taps - self.size**2 + self.size**2 // 2] = 1
            return weights, 0.0
        mean = gram[:taps, taps] / n
        target_mean = gram[taps, taps + 1] / n
        # Eliminating the bias leaves the covariances.
        matrix = gram[:taps, :taps] - n * np.outer(mean, mean)
        vector = gram[:taps, taps + 1] - n * mean * target_mean
        weights = known_solution(matrix, vector, ridge)
        offset = target_mean - mean @ weights
        return weights, offset + float(_CENTRE) * (1 - weights.sum())

    def _pooled(self, c, counts, min_samples):
        orientations, strengths, coherences = self.spec.shape
        steps = np.array(self.spec.strides)
        o, s, m = (c // steps) % self.spec.shape
        place = c - steps @ (o, s, m)  # in a block
        for ring in (np.array([o]), np.arange(orientations)):
            for radius in range(1, max(strengths, coherences)):
                near_s = np.arange(max(0, s - radius), min(strengths, s + radius + 1))
                near_m = np.arange(max(0, m - radius), min(coherences, m + radius + 1))
                across, s_steps, m_steps = np.ix_(ring, near_s, near_m)
                members = across * steps[0] + s_steps * steps[1] + m_steps * steps[2]
                members = place + members.ravel()
                if counts[members].sum() >= min_samples:
                    return self.totals[members].sum(axis=0)
        return self.totals.sum(axis=0)


def check_size(size):
    """Return a side of filters; refuse one that there are no kernels for."""
    whole = whole_number(size)
    if whole is None or whole % 2 == 0 or not 1 <= whole <= 15:
        raise ValueError(f"size must be odd, from 1 to 15, got {size!r}")
    return whole


def check_ridge(ridge):
    """Refuse a ridge that is negative, or no finite number."""
    if isinstance(ridge, bool | str) or not 0 <= ridge < np.inf:
        raise ValueError(f"ridge must not be negative, got {ridge!r}")


def check_min_samples(count):
    """Return a number of samples, or None."""
    whole = whole_number(count)
    if count is not None and (whole is None or whole < 0):
        raise ValueError(f"min_samples must be a whole number, not negative, got {count!r}")
    return whole


def check_positive(count, name):
    """Return a positive whole number."""
    whole = whole_number(count)
    if whole is None or whole < 1:
        raise ValueError(f"{name} must be a positive whole number, got {count!r}")
    return whole
