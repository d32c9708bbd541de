"""Gradient statistics: orientation, strength and coherence of every pixel."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from raisr.blocks import over_blocks
from raisr.hashing import HashSpec, resolve_spec, tensor_rows
from raisr.validate import as_image, check_threads

__all__ = ["GradientStatistics", "gradient_statistics", "statistics_of"]


class GradientStatistics(NamedTuple):
    """Statistics of `gradient_statistics`, each (H, W) float32."""

    orientation: np.ndarray
    strength: np.ndarray
    coherence: np.ndarray


def gradient_statistics(
    image: ArrayLike,
    spec: HashSpec | str = "csconv",
    *,
    data_range: float | None = None,
    num_threads: int | None = None,
) -> GradientStatistics:
    """Compute orientation, strength and coherence of the local gradients (eigenanalysis).

    Parameters
    ----------
    image : (H, W) array_like
        uint8, uint16, float16, float32 or float64; any size from 1 x 1.
    spec : HashSpec or str
        Window, weights and strength definition; its edges are not used.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats.
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Returns
    -------
    GradientStatistics
        orientation in [0, 1) half turns, strength >= 0 in the unit of the spec's edges,
        coherence in [0, 1]. Their exact definition is in `HashSpec`.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, an empty image, NaN or infinity.

    Warns
    -----
    UserWarning
        Where the values do not fit white: is `data_range` right?

    Notes
    -----
    Borders are reflected, so every pixel has real statistics.

    References
    ----------
    Xu et al., AAAI 2021 (the csconv preset); Romano et al., IEEE TCI 2016, section IV.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    >>> [round(float(s[16, 16]), 4) for s in gradient_statistics(ramp)]
    [0.5, 0.0269, 1.0]
    """
    source = as_image(image, data_range).levelled()
    return statistics_of(source, resolve_spec(spec), check_threads(num_threads))


def statistics_of(source, spec, num_threads):
    """Return the GradientStatistics of a GrayImage."""
    from raisr.kernels.hash import statistics

    result = GradientStatistics(*(np.empty(source.shape, np.float32) for _ in range(3)))
    root = spec.strength == "sqrt"

    def block(y0, y1):
        tensor = tensor_rows(source, spec, y0, y1)
        rows = [statistic[y0:y1] for statistic in result]
        statistics(tensor, spec.norm, root, spec.scale, *rows)

    over_blocks(block, source.shape, num_threads)
    return result
