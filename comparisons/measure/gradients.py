"""Gradient statistics of noisy images: computed, or predicted by a PCN; and how wrong they are."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from comparisons.measure.denoisers import package_digest
from comparisons.measure.networks import (
    find_weights,
    network_code_digest,
    network_fingerprint,
    training_facts,
    weights_name,
)
from comparisons.measure.protocol import Protocol
from raisr.noise import Sample
from raisr.provenance import content_digest

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
    from raisr import GradientStatistics, HashSpec

    spec = HashSpec.preset("csconv")
    found, right = (quantize(GradientStatistics(*torch.tensor(s)), spec) for s in (estimate, truth))
    return float((found == right).double().mean())


@dataclass(frozen=True)
class Predictor:
    """A PCN of one protocol and noise level, and what a result tells of it."""

    network: "PCN"
    fingerprint: str
    facts: dict[str, Any]

    @classmethod
    def load(cls, protocol: Protocol, sigma: float) -> "Predictor | None":
        """Return the one whose weights are at hand; None: not trained."""
        from hybrid import zoo
        from hybrid.networks.pcn import PCN

        weights = find_weights(weights_name(protocol, sigma, "pcn"))
        if weights is None:
            return None
        network, provenance = zoo.load_network(weights)
        if not isinstance(network, PCN):
            raise ValueError(f"{weights}: wanted the weights of a pcn, got {provenance['model']!r}")
        fingerprint = network_fingerprint(network, provenance)
        kflops = {"kflops_per_pixel": network.cost().kflops}
        return cls(network, fingerprint, kflops | training_facts(provenance))

    def errors(self, sample: Sample, shave: int) -> dict[str, float]:
        """Return the errors of the statistics that it predicts from the noisy image."""
        return _all_errors(predicted_statistics(self.network, sample, shave), sample, shave)


def noisy_errors(sample: Sample, shave: int) -> dict[str, float]:
    """Return the errors of the statistics of the noisy image (RAISR+N)."""
    return _all_errors(statistics(sample.noisy, sample.data_range, shave), sample, shave)


def denoised_errors(sample: Sample, shave: int) -> dict[str, float]:
    """Return the errors of the statistics of what `raisr.denoise` makes of the image (RAISR+D)."""
    from hybrid.classifiers import denoised

    plane = denoised(sample.noisy, sample.sigma, sample.data_range, num_threads=1)
    return _all_errors(statistics(plane, sample.data_range, shave), sample, shave)


def clean_means(sample: Sample, shave: int) -> dict[str, float]:
    """Return the mean of each clean statistic, and the mean direction of the doubled angle."""
    orientation, strength, coherence = statistics(sample.clean, sample.data_range, shave)
    angle = 2 * math.pi * orientation
    return {
        "orientation": float(orientation.mean()),
        "cosine": float(np.cos(angle).mean()),
        "sine": float(np.sin(angle).mean()),
        "strength": float(strength.mean()),
        "coherence": float(coherence.mean()),
    }


def constant_errors(sample: Sample, shave: int, means: dict[str, float]) -> dict[str, float]:
    """Return the errors of predicting one constant per channel, from means over the whole set.

    The constant orientation is the mean for the linear error and the mean direction for the
    circular one.
    """
    truth = statistics(sample.clean, sample.data_range, shave)
    direction = math.atan2(means["sine"], means["cosine"]) / (2 * math.pi) % 1
    errors = {}
    for name, orientation in (("linear", means["orientation"]), ("circular", direction)):
        constant = np.array([orientation, means["strength"], means["coherence"]])
        errors[name] = statistics_errors(constant[:, None, None], truth)[name]
    return errors


def source_digest() -> str:
    """Return the SHA-256 of all code that statistics and classes go through."""
    own = content_digest([Path(__file__)])
    return package_digest() + network_code_digest() + own


def _all_errors(estimate: NDArray, sample: Sample, shave: int) -> dict[str, float]:
    truth = statistics(sample.clean, sample.data_range, shave)
    accuracy = class_accuracy(estimate, truth)
    return {**statistics_errors(estimate, truth), "accuracy": accuracy}


def _shaved(maps: NDArray[np.float32], shave: int) -> NDArray[np.float64]:
    height, width = maps.shape[1:]
    if 2 * shave >= min(height, width):
        raise ValueError(f"shave of {shave} pixels leaves nothing of {height} x {width}")
    return maps.astype(np.float64)[:, shave : height - shave, shave : width - shave]
