"""What a network is trained for: its loss on a batch, and its score on held-back images."""

from collections.abc import Sequence
from typing import Literal, cast
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from comparisons.protocol import PROTOCOLS, Sample
from hybrid.classes import quantize
from hybrid.config import TrainingConfig
from hybrid.data import Batch, as_input, class_map, true_statistics
from hybrid.pcn import PCN, Statistics
from hybrid.zoo import load_pcn


class Task(Interface):
    """What both tasks offer."""

    guide: Literal["clean", "noisy"] | None
    """What is hashed for the classes of a batch, if anything."""
    statistics: bool
    """Whether a batch needs the statistics of the clean crops."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch, a float32 scalar."""

    def validate(self, network: nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the mean scores on whole images."""


class Denoising:
    """Predict the clean image: L1 loss, scored by PSNR in dB under the run's protocol."""

    statistics = False

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self._spec = config.network_spec
        self._protocol = PROTOCOLS[config.protocol]
        self._device = device
        self.guide, self._pcn = None, None
        if config.classes in ("clean", "noisy"):
            self.guide = cast(Literal["clean", "noisy"], config.classes)
        elif config.classes is not None:
            self._pcn = load_pcn(config.classes).to(device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean absolute error of the denoised crops."""
        classes = self._classes(batch.noisy, batch.classes)
        return functional.l1_loss(network(batch.noisy, *classes).float(), batch.clean)

    def validate(self, network: nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the mean PSNR in dB."""
        return {"psnr": float(np.mean([self._psnr(network, sample) for sample in samples]))}

    def _psnr(self, network, sample):
        noisy = as_input(sample.noisy).to(self._device)
        hashed = class_map(sample, self._spec, self.guide) if self.guide else None
        given = None if hashed is None else torch.from_numpy(hashed)[None].to(self._device)
        output = network(noisy, *self._classes(noisy, given))
        return self._protocol.score(255 * output[0, 0].float().cpu().numpy(), sample.clean)[0]

    def _classes(self, noisy, given):
        if self._pcn is None:
            return () if given is None else (given,)
        with torch.no_grad():
            return (quantize(PCN.statistics(self._pcn(noisy)), self._spec),)


class Classification:
    """Predict the statistics of the clean image: L1 loss, scored by their errors.

    Each statistic is measured in units of its range: the orientation vector and coherence in
    units of 1, strength in units of the csconv edges' range, 0.2 (Xu et al. weight all alike).
    """

    guide = None
    statistics = True

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self._spec = config.network_spec
        self._device = device

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the sum of the mean absolute errors of vector, strength and coherence."""
        predicted = network(batch.noisy).float()
        orientation, strength, coherence = cast(Tensor, batch.statistics).unbind(1)
        angle = 2 * torch.pi * orientation
        vector = coherence[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        length = torch.linalg.vector_norm(predicted[:, :2] + 1e-6, dim=1)
        return (
            functional.l1_loss(predicted[:, :2], vector)
            + functional.l1_loss(predicted[:, 2], strength) / _STRENGTH_RANGE
            + functional.l1_loss(length, coherence)
        )

    def validate(self, network: nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
        """Return errors and the share of pixels whose class is right.

        "mse" is the mean squared error of the three statistics, orientation taken as linear,
        as in the paper's Table 3.
        """
        scores = [self._scores(network, sample) for sample in samples]
        return {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}

    def _scores(self, network, sample):
        predicted = PCN.statistics(network(as_input(sample.noisy).to(self._device)))
        true = Statistics(*torch.from_numpy(true_statistics(sample, self._spec))[:, None])
        predicted = Statistics(*(statistic.cpu() for statistic in predicted))
        errors = [functional.mse_loss(*pair) for pair in zip(predicted, true, strict=True)]
        right = quantize(predicted, self._spec) == quantize(true, self._spec)
        return {
            "mse": float(sum(errors) / len(errors)),
            "mse_strength": float(errors[1]),
            "mse_coherence": float(errors[2]),
            "class_accuracy": float(right.float().mean()),
        }


_STRENGTH_RANGE = 0.2


def task_of(config: TrainingConfig, device: torch.device) -> Task:
    """Return the task of a run."""
    return (Classification if config.model == "pcn" else Denoising)(config, device)
