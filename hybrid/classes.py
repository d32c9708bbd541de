"""From predicted statistics to a class map: the same `HashSpec` as for filter banks, in torch."""

import torch
from torch import Tensor

from raisr import GradientStatistics, HashSpec


def quantize(statistics: GradientStatistics[Tensor], spec: HashSpec) -> Tensor:
    """Return the class of every pixel.

    Parameters
    ----------
    statistics : GradientStatistics
        Orientation in half turns, strength in the unit of the spec's edges, coherence; each
        (B, H, W), any float dtype, on any device.
    spec : HashSpec
        Its edges and the order of its index; an edge belongs to the bin above it.

    Returns
    -------
    (B, H, W) tensor
        uint8, or int32 where there are more than 256 classes.
    """
    orientation, strength, coherence = (statistic.float() for statistic in statistics)
    bins = (
        (orientation * spec.orientations).floor().clamp(0, spec.orientations - 1),
        _bins(strength, spec.strength_edges),
        _bins(coherence, spec.coherence_edges),
    )
    index = sum(bin_.int() * stride for bin_, stride in zip(bins, spec.strides, strict=True))
    return index.to(class_dtype(spec))


def class_dtype(spec: HashSpec) -> torch.dtype:
    """Return the smallest dtype of a class map that every operation of torch knows."""
    return torch.uint8 if spec.num_classes <= 256 else torch.int32


def _bins(statistic, edges):
    edges = torch.tensor(edges, dtype=statistic.dtype, device=statistic.device)
    return torch.bucketize(statistic, edges, right=True)
