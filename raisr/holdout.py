"""Normal equations with some pixels held back, and what these say about pairs and about a bank."""

import math

import numpy as np

from raisr.normal_equations import NormalEquations
from raisr.warn import warn_caller

__all__ = ["Holdout", "psnr_of"]

_BLOCK, _SHARE = 8, 8
_WHITE = 255.0
_EXACT = 1e-2  # gray levels squared: float32 sums are not more exact
_ROUNDING = 2.0**-18  # of a mean square, in float32 sums
_CLEARLY, _RELATED = 1.01, 0.1
_DIRECTED = 0.1  # dB that filters for a task without a direction do not gain from one
_CONSTANT = {"chroma": "are the channels equal? then learn from one of them, without channel_axis"}


def psnr_of(error):
    """Return the PSNR in dB of a mean squared error, to three places."""
    return round(10 * math.log10(_WHITE**2 / max(error, _EXACT)), 3)


class Holdout:
    """Equations of the pixels of every image but each eighth block of 8 x 8, and of these blocks.

    Parameters
    ----------
    spec, planes, size
        Of the `NormalEquations`.
    """

    def __init__(self, spec, planes, size):
        self._both = NormalEquations(spec, planes, size)
        count, *sides = self._both.totals.shape
        self._both.totals = np.zeros((2 * count, *sides))
        self._shape = spec, planes, size

    def add(self, planes, target, classes, index, num_threads):
        """Accumulate the image of this index, as `NormalEquations.accumulate`."""
        count = len(self._both.totals) // 2
        dtype = np.uint16 if 2 * count <= 1 << 16 else np.uint32
        rows, columns = (np.arange(-(-side // _BLOCK)) for side in classes.shape)
        held = (3 * rows[:, None] + columns + index) % _SHARE == 1
        blocks = np.where(held, dtype(count), dtype(0))
        offsets = blocks.repeat(_BLOCK, 0).repeat(_BLOCK, 1)
        height, width = classes.shape
        self._both.accumulate(planes, target, classes + offsets[:height, :width], num_threads)

    def merge(self, other):
        """Add the sums of `other`, of the same spec, planes and size."""
        self._both.merge(other._both)
        return self

    def part(self, held):
        """Return the equations of the pixels that are held back, or of the others."""
        part = NormalEquations(*self._shape)
        count = len(part.totals)
        part.totals = self._both.totals[count:] if held else self._both.totals[:count]
        return part

    def all(self):
        """Return the equations of all pixels; nothing can be held back any more."""
        return self.part(held=False).merge(self.part(held=True))

    def errors(self, *, symmetric, **options):
        """Return facts about a bank learned without the held-back pixels, measured on these."""
        learned, held = self.part(held=False), self.part(held=True)
        pixels = int(held.counts.sum())
        if not (pixels and learned.counts.any()):
            return {"held_back_pixels": 0, "psnr_before": None, "psnr_after": None}
        nothing = np.zeros((held.spec.num_classes, held.planes, held.size, held.size))
        nothing[:, 0, held.size // 2, held.size // 2] = 1
        before = held.squared_error(nothing, np.zeros(len(nothing))) / pixels
        learned = learned.symmetrised() if symmetric else learned
        filters, bias, _ = learned.solve(symmetric=symmetric, **options)
        after = held.squared_error(filters, bias) / pixels
        decibels = {"psnr_before": psnr_of(before), "psnr_after": psnr_of(after)}
        return {"held_back_pixels": pixels, **decibels}

    def is_symmetric(self, **options):
        """Tell whether filters of all eight views are as good as those of one, or nearly."""
        found = [self.errors(symmetric=views, **options)["psnr_after"] for views in (True, False)]
        return None in found or found[0] >= found[1] - _DIRECTED

    def look_at_pairs(self, plane="", warn=warn_caller):
        """Refuse pairs that nothing can be learned from; warn of those that are shifted.

        Parameters
        ----------
        plane : {"", "luma", "chroma"}
            What the planes are of an image, for messages.
        warn : callable
            Takes the message of a warning.

        Raises
        ------
        ValueError
            For fewer pixels than four times the taps, or constant inputs or targets.

        Warns
        -----
        UserWarning
            If input and target go together best at an offset, and not in both directions.
        """
        taps, size = self._both.taps, self._both.size
        total = self._both.totals.sum(axis=0)
        total += np.triu(total, 1).T
        if not np.isfinite(total).all():
            raise ValueError("values are too large to be summed (is data_range right?)")
        pixels = round(total[taps, taps])
        if pixels < 4 * taps:
            raise ValueError(
                f"{pixels} pixels are too few to learn filters of {size} x {size} from: "
                f"at least {4 * taps} are needed"
            )
        mean = total[taps] / pixels
        covariance = total / pixels - np.outer(mean, mean)
        centre = size**2 // 2
        spreads = {"input": covariance[centre, centre], "target": covariance[-1, -1]}
        for name, variance in spreads.items():
            if variance < _EXACT:
                raise ValueError(
                    f"{f'the {plane} of ' if plane else ''}each {name} is constant, up to "
                    f"{math.sqrt(max(variance, 0)):.2g} gray levels of 255: there is nothing to "
                    f"learn ({_CONSTANT.get(plane, 'is data_range right?')})"
                )
        likeness = np.abs(covariance[: size**2, -1])
        best = int(likeness.argmax())
        rival = max(likeness[centre], likeness[size**2 - 1 - best])
        certain = _CLEARLY * rival + _ROUNDING * total[centre, centre] / pixels
        if likeness[best] > max(certain, _RELATED * math.sqrt(math.prod(spreads.values()))):
            rows, columns = (int(step) - size // 2 for step in divmod(best, size))
            warn(
                "the images of a pair do not lie on each other: a target is most like its input "
                f"{rows} rows and {columns} columns away"
            )
