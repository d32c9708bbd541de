"""Gradient statistics of noisy images: computed, or predicted by a PCN; and how wrong they are."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raisr.noise import Sample

if TYPE_CHECKING:
    from hybrid.networks.pcn import PCN


def statistics(plane: NDArray[np.float32], data_range: float, shave: int) -> NDArray[np.float64]:
    """Return (3, H, W) orientation, strength and coherence without `shave` pixels of border.

    Strength is in the units of the csconv preset.
    """
    import raisr

    maps = raisr.gradient_statistics(plane, "csconv", data_range=data_range, num_threads=1)
    return _shaved(np.stack(maps), shave)


def predicted_statistics(network: "PCN", sample: Sample, shave: int) -> NDArray[np.float64]:
    """Return the same as a PCN predicts it from the noisy plane of a sample."""
    import torch

    from hybrid.training.data import as_input

    torch.set_num_threads(1)  # OpenMP keeps a number for each calling thread
    with torch.inference_mode():
        predicted = network.statistics(network(as_input(sample.noisy)))
    return _shaved(torch.cat(predicted).numpy(), shave)


def statistics_errors(estimate: NDArray, truth: NDArray) -> dict[str, float]:
    """Return the linear and the circular mean square error of (3, H, W) statistics."""
    difference = estimate - truth
    linear = float(np.mean(np.square(difference)))
    difference[0] -= np.rint(difference[0])
    return {"linear": linear, "circular": float(np.mean(np.square(difference)))}


def class_accuracy(estimate: NDArray, truth: NDArray) -> float:
    """Return the share of pixels of (3, H, W) statistics whose class of 72 is the true one."""
    import torch

    from hybrid.classes import quantize
    from hybrid.networks.pcn import Statistics
    from raisr import HashSpec

    spec = HashSpec.preset("csconv")
    found, right = (quantize(Statistics(*torch.tensor(s)), spec) for s in (estimate, truth))
    return float((found == right).double().mean())


def _shaved(maps: NDArray[np.float32], shave: int) -> NDArray[np.float64]:
    height, width = maps.shape[1:]
    if 2 * shave >= min(height, width):
        raise ValueError(f"shave of {shave} pixels leaves nothing of {height} x {width}")
    return maps.astype(np.float64)[:, shave : height - shave, shave : width - shave]
