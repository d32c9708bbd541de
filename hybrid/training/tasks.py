"""What a network is trained for: its loss on a batch, and its score on held-back images."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hybrid.classes import quantize
from hybrid.classifiers import PCNClassifier
from hybrid.levels import at_reference, gain
from hybrid.networks import CLASSIFIERS, NETWORKS, build
from hybrid.networks.pcn import PCN
from hybrid.training.config import HASHED, TrainingConfig
from hybrid.training.data import (
    Batch,
    Crops,
    Guide,
    as_input,
    class_map,
    crop_margin,
    redraw,
    true_statistics,
)
from hybrid.training.hybrid_data import MARGIN, HybridCrops, as_tensor, network_maps, prepare
from hybrid.training.pairs import PairCrops, as_batch, load_pairs
from hybrid.training.pictures import load_images
from hybrid.training.pool import Windows
from hybrid.zoo import digest, load_pcn, locate
from raisr import GradientStatistics, estimate_sigma
from raisr.colour import OPPONENT, rgb_planes
from raisr.metrics import psnr
from raisr.noise import NOISE_MODELS, Sample
from raisr.validate import GRAY_LEVELS

_REPORTED = (15.0, 25.0, 50.0)  # noise levels that scores are told for
_NO_ERROR = (0.3 / GRAY_LEVELS) ** 2  # mean square; what rounding to 8 bits leaves
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
        self._config, self._device = config, device
        self._spec = config.network_spec

    def load(self, process: int, *, download: bool = False) -> tuple[Windows, list[Sample], int]:
        """Return what makes the batch of a step, the samples held back, and the images' number."""
        images, samples = load_images(
            self._config, self._prepare, self._validated_sigmas, self._refusal, download=download
        )
        return self._crops(images, process), samples, len(images)

    def _refusal(self, image: NDArray[np.uint8]) -> str:
        """Return why an image cannot be trained on; nothing where it can."""
        side = self._least_side()
        return f"is smaller than {side} x {side} pixels" if min(image.shape[:2]) < side else ""

    def _least_side(self) -> int:
        return self._config.crop + 2 * crop_margin(self._spec, self.guide)

    def _crops(self, images: Sequence[NDArray[np.uint8]], process: int) -> Windows:
        config = self._config
        return Crops(
            images,
            NOISE_MODELS[config.noise],
            sigmas=config.sigmas,
            size=config.crop,
            batch=config.batch,
            seed=config.seed,
            process=process,
            spec=self._spec,
            statistics=self.statistics,
            guide=self.guide,
            eight_bit=config.eight_bit,
            class_sigma=config.class_sigma,
        )

    def _prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        return NOISE_MODELS[self._config.noise].prepare(image, sigma, seed)

    def _validated_sigmas(self, count: int) -> Sequence[float]:
        """Return the noise level of each of so many images that are held back."""
        return np.linspace(*self._config.sigmas, count).tolist()

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch, a float32 scalar."""

    def validate(self, network: nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the mean scores on whole images, each over those that have it."""
        scores = [self._scores(network, sample) for sample in samples]
        names = dict.fromkeys(name for score in scores for name in score)
        return {
            name: float(np.mean([score[name] for score in scores if name in score]))
            for name in names
        }

    @abstractmethod
    def _scores(self, network: nn.Module, sample: Sample) -> dict[str, float]:
        """Return the scores on a whole image."""


class Denoising(Task):
    """Predict the clean image: scored by PSNR in dB, clipped to 0..255.

    Where there are many noise levels, absolute errors are measured after scaling, so that all count
    alike.
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
        """Return the loss of the denoised crops, see `TrainingConfig.loss`."""
        seen = batch.noisy if batch.redrawn is None else batch.redrawn
        classes = self._classes(seen, batch.classes)
        output = at_reference(network, batch.noisy, batch.levels, *classes).float()
        return _loss(output - batch.clean, batch.levels, self._config.loss)

    def _scores(self, network, sample):
        noisy = as_input(sample.noisy).to(self._device)
        level = estimate_sigma(sample.noisy) if self._many else sample.sigma
        hashed = None
        if self.guide is not None:
            classes = class_map(sample, self._spec, self.guide, level)
            hashed = classes[None].to(self._device)
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
        predicted = GradientStatistics(*(statistic.cpu() for statistic in predicted))
        true = GradientStatistics(*torch.from_numpy(true_statistics(sample, self._spec))[:, None])
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


class HybridDenoising(Task):
    """Predict the clean image at every noise level: scored by PSNR in dB at 15, 25 and 50.

    Errors are those of red, green and blue where the image has colours; absolute ones count by the
    inverse of the noise level, so that all levels count alike.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        with torch.device("meta"):
            self._network = build(config.model, **config.options)
        self._to_rgb = torch.tensor(OPPONENT.T, dtype=torch.float32, device=device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of the denoised crops, see `TrainingConfig.loss`."""
        output = network(batch.noisy, *(getattr(batch, name) for name in self._network.inputs))
        errors = output.float() - batch.clean
        if self._network.channels == 3:
            errors = torch.einsum("ij,bjhw->bihw", self._to_rgb, errors)
        return _loss(errors, batch.levels, self._config.loss)

    def _crops(self, images, process):
        return HybridCrops(images, self._config, self._network, process)

    def _prepare(self, image, sigma, seed):
        return prepare(image, sigma, seed, self._network.channels)

    def _refusal(self, image):
        if self._network.channels == 3 and image.ndim == 2:
            return "is gray, and the network is for colours"
        return super()._refusal(image)

    def _least_side(self):
        return self._config.crop + 2 * MARGIN

    def _validated_sigmas(self, count):
        low, high = self._config.sigmas
        levels = [sigma for sigma in _REPORTED if low <= sigma <= high] or [high]
        return [levels[index % len(levels)] for index in range(count)]

    def _scores(self, network, sample):
        maps = network_maps(self._network, self._config, sample.noisy[None], sample.sigma)
        maps["levels"] = torch.full((1, 1, 1, 1), sample.sigma / GRAY_LEVELS)
        given = [maps[name].to(self._device) for name in self._network.inputs]
        output = network(as_tensor(sample.noisy[None]).to(self._device), *given)[0]
        found, clean = GRAY_LEVELS * output.float().cpu().numpy(), sample.clean
        if len(clean) == 3:
            found, clean = rgb_planes(found), rgb_planes(clean)
        return {f"psnr {sample.sigma:g}": psnr(found.clip(0, GRAY_LEVELS), clean)}


class PairDenoising(HybridDenoising):
    """Predict the clean picture of a pair: as `HybridDenoising`, with one score."""

    def load(self, process, *, download=False):
        """Return what makes the batch of a step, the pairs held back, and the pairs' number."""
        pairs, held_back = load_pairs(self._config, self._network.channels, self._refusal)
        return PairCrops(pairs, self._config, process), held_back, len(pairs)

    def _least_side(self):
        return self._config.crop

    def _scores(self, network, pair):
        batch = as_batch([pair.pixels], [pair.level]).to(self._device)
        output = network(batch.noisy, *(getattr(batch, name) for name in self._network.inputs))
        found, clean = (
            GRAY_LEVELS * part[0].float().cpu().numpy() for part in (output, batch.clean)
        )
        if len(clean) == 3:
            found, clean = rgb_planes(found), rgb_planes(clean)
        return {"psnr": psnr(found.clip(0, GRAY_LEVELS), clean)}


def _loss(errors: Tensor, levels: Tensor | None, kind: str) -> Tensor:
    """Return the loss of errors (B, channels, H, W), gray levels / 255."""
    if kind == "psnr":
        squares = errors.square().mean((1, 2, 3))
        return 10 * torch.log10(squares + _NO_ERROR).mean()
    errors = errors.abs()
    return (errors if levels is None else gain(levels) * errors).mean()


def task_of(config: TrainingConfig, device: torch.device) -> Task:
    """Return the task of a run."""
    if config.model in CLASSIFIERS:
        return Classification(config, device)
    if config.noisy is not None:
        return PairDenoising(config, device)
    hybrid = "levels" in NETWORKS[config.model].inputs
    return (HybridDenoising if hybrid else Denoising)(config, device)
