"""Least-squares learning of filters for each class and phase, whose weights sum to one."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from raisr.blocks import aligned_empty
from raisr.least_squares import known_solution
from raisr.phases import expand_phases
from raisr.profiles import canonical_profiles, profile_views
from raisr.validate import GrayImage

__all__ = ["PhaseEquations"]

_CENTRE = np.float32(128)
_OVERREAD = 16


class PhaseEquations:
    """Sums from which the filters of every class and phase follow.

    For each class, the Gram matrix of the samples ``[taps - 128, 1, block - 128]``: one pixel of
    the small image, and the block of pixels that takes its place.

    Parameters
    ----------
    spec : ProfileSpec
    factor : int
        Side of the block that takes a pixel's place.
    margin : int
        How far the filters' block reaches beyond it on each side; see `PhaseStage`.
    planes : int
        Number of planes the filters reach into.
    size : int
        Side of the filters, 1 to 15.
    step : int
        Pixels of the planes from one block to the next; see `PhaseStage`.

    Attributes
    ----------
    side : int
        Of the filters' block.
    totals : (num_classes, n, n) float64, n = planes * size**2 + 1 + side**2
        Only the upper triangles are kept.
    """

    def __init__(self, spec, factor, margin=0, planes=1, size=7, step=1):
        self.spec, self.factor, self.margin, self.step = spec, factor, margin, step
        self.planes, self.size, self.side = planes, size, factor + 2 * margin
        self.taps = planes * size**2
        n = self.taps + 1 + self.side**2
        self.totals = np.zeros((spec.num_classes, n, n))

    def accumulate(self, samples, num_threads):
        """Add images; many at once are faster, as each call goes through all sums.

        Parameters
        ----------
        samples : sequence of (planes, target, classes)
            Planes, (step H, step W) float32; the target, (factor H, factor W) float32; and classes,
            (H, W) uint16, below the spec's number of classes: it is not checked.
        num_threads : int
        """
        from raisr.kernels.gram import accumulate_classes, patch_kernel, sort_by_class, workspace

        padded, targets, classes = self._canvas(samples)
        order = np.empty(classes.size, np.int32)
        starts = sort_by_class(classes, len(self.totals) + 1, order)[:-1]
        patches = patch_kernel(self.size)
        scratch = [workspace(self.totals.shape[1]) for _ in range(num_threads)]

        def part(bounds):
            room = scratch.pop()
            given = self.step, padded, targets, order, starts
            accumulate_classes(patches, *given, *bounds, *room, self.totals)
            scratch.append(room)

        shares = np.linspace(0, starts[-1], 4 * num_threads + 1)[1:-1]
        cuts = [0, *np.searchsorted(starts, shares).tolist(), len(self.totals)]
        with ThreadPoolExecutor(num_threads) as pool:
            list(pool.map(part, [b for b in itertools.pairwise(cuts) if b[0] < b[1]]))

    def _canvas(self, samples):
        """Images one below the other: planes with margins, blocks, and classes.

        What lies between images has a class of its own, the last.
        """
        from raisr.kernels.pixels import read_tile

        step, over = self.step, self.size - self.step
        gap = -(-over // step)
        shapes = [classes.shape for _, _, classes in samples]
        height = sum(rows + gap for rows, _ in shapes)
        width = max(columns for _, columns in shapes)
        length = -(-(step * width + over + _OVERREAD) // 16) * 16
        padded = aligned_empty((self.planes, step * height, length))
        targets = np.empty((self.side**2, height, width), np.float32)
        canvas = np.full((height, width), len(self.totals), np.uint16)
        top = 0
        for (planes, target, classes), (rows, columns) in zip(samples, shapes, strict=True):
            for plane, out in zip(planes, padded, strict=True):
                tile = out[step * top : step * (top + rows) + over]
                read_tile(GrayImage(plane).source, -over // 2, -over // 2, _CENTRE, tile)
            wide = np.pad(target - _CENTRE, self.margin, "symmetric")
            for phase, place in zip(targets, np.ndindex(self.side, self.side), strict=True):
                every = wide[place[0] :: self.factor, place[1] :: self.factor]
                phase[top : top + rows, :columns] = every[:rows, :columns]
            canvas[top : top + rows, :columns] = classes
            top += rows + gap
        return padded, targets, canvas

    def symmetrised(self):
        """Return the equations of the data seen in all eight rotations and flips.

        A view permutes the taps and the phases, and moves a class's samples to the class of the
        turned direction.
        """
        of = self.factor, self.margin, self.planes, self.size, self.step
        result = PhaseEquations(self.spec, *of)
        index = np.arange(self.totals.shape[1])
        patch = index[: self.taps].reshape(self.planes, self.size, self.size)
        block = index[self.taps + 1 :].reshape(self.side, self.side)
        views = [
            (np.r_[turn(patch).ravel(), self.taps, turn(block).ravel()], destination)
            for turn, destination in profile_views(self.spec)
        ]
        wanted = np.zeros(self.spec.num_classes, bool)
        wanted[canonical_profiles(self.spec)] = True
        for c in np.flatnonzero(self.totals[:, self.taps, self.taps]):
            full = np.triu(self.totals[c]) + np.triu(self.totals[c], 1).T
            for order, destination in views:
                if wanted[destination[c]]:
                    result.totals[destination[c]] += full[order[:, None], order]
        return result

    def solve(self, *, ridge=1e-6, borrowed=200.0):
        """Solve for the filters of every class, for equations that are `symmetrised`.

        Parameters
        ----------
        ridge : float
            Added to the eigenvalues, as a share of their mean.
        borrowed : float
            Number of samples that each class borrows from all of its direction.

        Returns
        -------
        (num_classes, side, side, planes, size, size) float32
            Weights of each filter sum to one. A filter without any sample is the last plane.
        """
        shape = len(self.totals), self.side, self.side, self.planes, self.size, self.size
        filters, step = np.zeros(shape, np.float32), len(self.totals) // self.spec.directions
        for first in canonical_profiles(self.spec)[::step]:
            grams = self.totals[first : first + step]
            common = grams.sum(axis=0)
            common *= borrowed / max(common[self.taps, self.taps], 1.0)
            for c, gram in enumerate(grams, first):
                filters[c] = self._solve_block(gram + common, ridge).reshape(shape[1:])
        return expand_phases(self.spec, filters)

    def _solve_block(self, gram, ridge):
        """Return the filters of a class: of differences from the last plane's centre."""
        taps, gram = self.taps, np.triu(gram) + np.triu(gram, 1).T
        centre = taps - self.size**2 + self.size // 2 * (self.size + 1)
        differences = np.eye(len(gram))
        differences[:, centre] -= 1
        kept = np.delete(np.arange(taps), centre)
        targets = np.arange(taps + 1, len(gram))
        products = differences @ gram @ differences.T
        matrix, vectors = products[np.ix_(kept, kept)], products[np.ix_(kept, targets)]
        weights = np.zeros((len(targets), taps))
        weights[:, kept] = known_solution(matrix, vectors, ridge).T
        weights[:, centre] = 1 - weights.sum(axis=1)
        return weights
