"""Training data of the hybrid networks: crops, what filters make of them, and their classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hybrid.classifiers import class_tensor
from hybrid.filtered import filtered, guide_of
from hybrid.networks import Network
from hybrid.training.config import TrainingConfig
from hybrid.training.data import Batch, random_crop
from raisr import hash_image
from raisr.colour import opponent_planes, rgb_planes
from raisr.noise import GaussianNoise, Sample
from raisr.validate import GRAY_LEVELS

_LEVELS = 30  # steps from the lowest noise level to the highest: banks of so many are kept
MARGIN = 16
"""Pixels around a crop that the filters see, too."""


@dataclass(frozen=True)
class HybridCrops:
    """Random crops of one noise level a batch; a batch depends on seed, process and step alone.

    Parameters
    ----------
    images : sequence of uint8 arrays
        (H, W, 3) for a colour network; gray or colour for a gray one.
    config : TrainingConfig
    network : Network
        Its channels and its inputs.
    process : int
        Of those that train together.
    """

    images: Sequence[NDArray[np.uint8]]
    config: TrainingConfig
    network: Network
    process: int = 0

    def __post_init__(self) -> None:
        side = self.config.crop + 2 * MARGIN
        if (smallest := min(min(image.shape[:2]) for image in self.images)) < side:
            raise ValueError(
                f"crops of {self.config.crop} pixels with a margin of {MARGIN} do not fit into "
                f"an image with a side of {smallest}"
            )

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step."""
        config = self.config
        generator = np.random.default_rng([config.seed, self.process, step])
        low, high = config.sigmas
        sigma = low + (high - low) * int(generator.integers(1, _LEVELS + 1)) / _LEVELS
        samples = [self._sample(sigma, generator) for _ in range(config.batch)]
        maps = network_maps(
            self.network, config, np.stack([sample.noisy for sample in samples]), sigma
        )
        inner = np.s_[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        return Batch(
            as_tensor(np.stack([sample.noisy[inner] for sample in samples])),
            as_tensor(np.stack([sample.clean[inner] for sample in samples])),
            levels=torch.full((config.batch, 1, 1, 1), sigma / GRAY_LEVELS),
            **{name: value[inner].contiguous() for name, value in maps.items()},
        )

    def windows(self, count: int) -> "HybridCrops":
        """Return what makes as many larger crops, see `hybrid.training.pool`."""
        largest = min(min(image.shape[:2]) for image in self.images) - 2 * MARGIN
        side = min(2 * self.config.crop, largest)
        return replace(self, config=replace(self.config, crop=side, batch=count))

    def _sample(self, sigma: float, generator: np.random.Generator) -> Sample:
        crop = random_crop(self.images, self.config.crop + 2 * MARGIN, generator)
        sample = prepare(crop, sigma, int(generator.integers(2**63)), self.network.channels)
        if self.config.eight_bit and generator.random() < self.config.eight_bit:
            return replace(sample, noisy=in_eight_bits(sample.noisy))
        return sample


def prepare(image: NDArray[np.uint8], sigma: float, seed: int, channels: int) -> Sample:
    """Return a sample with planes (channels, H, W): gray, or opponent planes."""
    if channels == 3:
        return GaussianNoise().prepare_colour(image, sigma, seed)
    sample = GaussianNoise().prepare(image, sigma, seed)
    return replace(sample, noisy=sample.noisy[None], clean=sample.clean[None])


def in_eight_bits(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes as they are after their image was kept in a file of 8 bits."""
    if len(planes) == 1:
        return planes.round().clip(0, GRAY_LEVELS)
    return opponent_planes(rgb_planes(planes).round().clip(0, GRAY_LEVELS))


def network_maps(
    network: Network, config: TrainingConfig, noisy: NDArray[np.float32], sigma: float
) -> dict[str, Tensor]:
    """Return what a network sees beside images of one noise level, (B, channels, H, W)."""
    wanted = {"filtered", "classes"} & set(network.inputs)
    if not wanted:
        return {}
    # One tall image: filters are prepared once; what crosses a seam is cut away.
    count, channels, height, width = noisy.shape
    tall = noisy.swapaxes(0, 1).reshape(channels, count * height, width)
    done = filtered(np.ascontiguousarray(tall), sigma)
    maps = {}
    if "filtered" in wanted:
        planes = done.reshape(channels, count, height, width).swapaxes(0, 1)
        maps["filtered"] = as_tensor(np.ascontiguousarray(planes))
    if "classes" in wanted:
        spec = config.network_spec
        classes = hash_image(guide_of(done), spec, data_range=GRAY_LEVELS, num_threads=1)
        classes = classes.reshape(count, height, width)
        maps["classes"] = class_tensor(classes, spec)
    return maps


def as_tensor(planes: NDArray[np.float32]) -> Tensor:
    """Return planes in gray levels as the input of a network."""
    return torch.from_numpy(planes / np.float32(GRAY_LEVELS))
