"""What a network is trained for: its loss on a batch, and its score on held-back images."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.classes import quantize
from hybrid.classifiers import PCNClassifier
from hybrid.levels import at_reference, gain
from hybrid.networks.pcn import PCN, Statistics
from hybrid.training.config import HASHED, TrainingConfig
from hybrid.training.data import Batch, Guide, as_input, class_map, redraw, true_statistics
from hybrid.zoo import digest, load_pcn, locate
from raisr import estimate_sigma
from raisr.metrics import psnr
from raisr.noise import Sample
from raisr.validate import GRAY_LEVELS

_STRENGTH_RANGE = 0.2
_NO_DIRECTION = 1e-2  # length below which a vector counts as pointing nowhere


class Task(ABC):
    """A loss and a score.

    Attributes
    ----------
    guide : {"clean", "noisy", "denoised"}, optional
        What is hashed for the classes of a batch.
    statistics : bool
        Whether a batch needs the statistics of the clean crops.
    classes_sha256 : str, optional
        Of the weights of the PCN that classes come from.
    """

    guide: Guide | None = None
    statistics = False
    classes_sha256: str | None = None

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self._spec = config.network_spec
        self._device = device

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch, a float32 scalar."""

    def validate(self, network: nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the mean scores on whole images."""
        scores = [self._scores(network, sample) for sample in samples]
        return {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}

    @abstractmethod
    def _scores(self, network: nn.Module, sample: Sample) -> dict[str, float]:
        """Return the scores on a whole image."""


class Denoising(Task):
    """Predict the clean image: L1 loss, scored by PSNR in dB, clipped to 0..255.

    Where there are many noise levels, errors are measured after scaling, so that all count alike.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self._class_sigma, self._many = config.class_sigma, config.sigma_min is not None
        self._classifier: PCNClassifier | None = None
        if config.classes in HASHED:
            self.guide = cast(Guide, config.classes)
        elif config.classes is not None:
            pcn = load_pcn(config.classes, self._spec)
            self._classifier = PCNClassifier(pcn, self._spec).to(device)
            self.classes_sha256 = digest(locate(config.classes))

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean absolute error of the denoised crops."""
        seen = batch.noisy if batch.redrawn is None else batch.redrawn
        classes = self._classes(seen, batch.classes)
        output = at_reference(network, batch.noisy, batch.levels, *classes).float()
        errors = (output - batch.clean).abs()
        return (errors if batch.levels is None else gain(batch.levels) * errors).mean()

    def _scores(self, network, sample):
        noisy = as_input(sample.noisy).to(self._device)
        level = estimate_sigma(sample.noisy) if self._many else sample.sigma
        hashed = None
        if self.guide is not None:
            classes = class_map(sample, self._spec, self.guide, level)
            hashed = torch.from_numpy(classes)[None].to(self._device)
        seen = noisy
        if self._class_sigma is not None:
            seen = as_input(redraw(sample, self._class_sigma)).to(self._device)
        levels = torch.tensor(level / GRAY_LEVELS) if self._many else None
        output = at_reference(network, noisy, levels, *self._classes(seen, hashed))
        gray_levels = 255 * output[0, 0].float().cpu().numpy()
        return {"psnr": psnr(gray_levels.clip(0, 255), sample.clean)}

    def _classes(self, seen, hashed):
        if self._classifier is not None:
            return (self._classifier(seen),)
        return () if hashed is None else (hashed,)


class Classification(Task):
    """Predict the statistics of the clean image: L1 loss, scored by their errors.

    The error of orientation is the distance on the unit circle of the doubled angle, and counts
    as much as there is coherence; it leaves the length of the vector, which is coherence, alone.
    Strength is measured in units of the csconv edges' range, 0.2 (Xu et al. weight all alike).
    Scores are "mse", the mean squared error of the three statistics with orientation taken as
    linear, as in the paper's Table 3; "mse_circular", the same with the error of orientation
    along the circle; that of strength and of coherence; and "class_accuracy", the share of pixels
    whose class is right.
    """

    statistics = True

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the sum of the mean absolute errors of orientation, strength and coherence."""
        predicted = network(batch.noisy).float()
        orientation, strength, coherence = cast(Tensor, batch.statistics).unbind(1)
        angle = 2 * torch.pi * orientation
        direction = torch.stack([angle.cos(), angle.sin()], 1)
        found = functional.normalize(predicted[:, :2], eps=_NO_DIRECTION)
        distance = torch.linalg.vector_norm(found - direction, dim=1)
        length = torch.linalg.vector_norm(predicted[:, :2], dim=1)
        return (
            (coherence * distance).mean()
            + functional.l1_loss(predicted[:, 2], strength) / _STRENGTH_RANGE
            + functional.l1_loss(length, coherence)
        )

    def _scores(self, network, sample):
        predicted = PCN.statistics(network(as_input(sample.noisy).to(self._device)))
        predicted = Statistics(*(statistic.cpu() for statistic in predicted))
        true = Statistics(*torch.from_numpy(true_statistics(sample, self._spec))[:, None])
        errors = [functional.mse_loss(*pair) for pair in zip(predicted, true, strict=True)]
        turn = (predicted.orientation - true.orientation).abs()
        circular = torch.minimum(turn, 1 - turn).square().mean()
        right = quantize(predicted, self._spec) == quantize(true, self._spec)
        return {
            "mse": float(sum(errors) / len(errors)),
            "mse_circular": float((circular + errors[1] + errors[2]) / 3),
            "mse_strength": float(errors[1]),
            "mse_coherence": float(errors[2]),
            "class_accuracy": float(right.float().mean()),
        }


def task_of(config: TrainingConfig, device: torch.device) -> Task:
    """Return the task of a run."""
    return (Classification if config.model == "pcn" else Denoising)(config, device)
