"""Pictures with noise of their own beside the same ones without, and crops of both."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hybrid.filtered import filtered_as_found
from hybrid.training.config import TrainingConfig
from hybrid.training.data import Batch, random_crop
from hybrid.training.hybrid_data import as_tensor
from hybrid.training.pictures import hold_back, read_pictures
from raisr.colour import opponent_planes, rgb_planes, rgb_to_gray
from raisr.datasets import ImageFile, load_folder
from raisr.io.partners import match_names
from raisr.validate import GRAY_LEVELS

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Pair:
    """A picture with noise, what learned filters make of it, and the same picture without noise.

    Attributes
    ----------
    pixels : (H, W, 3 * channels) uint8 array
        The three of them, one behind the other.
    level : float
        Standard deviation of what the filters remove, gray levels: see `filtered_as_found`.
    """

    pixels: Pixels
    level: float


def load_pairs(
    config: TrainingConfig, channels: int, refusal: Callable[[Pixels], str]
) -> tuple[list[Pair], list[Pair]]:
    """Read the pairs of a run: those to train on, and those held back.

    Parameters
    ----------
    config : TrainingConfig
        Folders of `images` are the clean pictures.
    channels : int
        1 or 3: what a network sees.
    refusal : callable
        Clean picture -> why it is of no use here; empty where it is of use.

    Raises
    ------
    ValueError
        A file cannot be read (`config.broken`), pictures of a pair have other sizes, a picture may
        belong to two, or there are too few.
    FileNotFoundError
        A clean picture has no noisy one.
    NotADirectoryError
        A folder is missing.
    """
    sets = []
    for clean, noisy in zip(config.images, config.noisy or (), strict=True):
        files = _pair_files(Path(clean), Path(noisy), channels)
        read = [pixels for _, pixels in read_pictures(files, config, refusal)]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            sets.append(list(pool.map(_pair, read)))
    return hold_back(sets, config)


def _pair_files(clean: Path, noisy: Path, channels: int) -> "list[_PairFile]":
    images, others = (
        {Path(image.name): image for image in load_folder(folder)} for folder in (clean, noisy)
    )
    partners = match_names(list(images), list(others), clean, noisy)
    return [
        _PairFile(images[name], others[partner], channels) for name, partner in partners.items()
    ]


@dataclass(frozen=True)
class _PairFile:
    clean: ImageFile
    noisy: ImageFile
    channels: int

    @property
    def path(self) -> Path:
        return self.noisy.path

    def read(self) -> Pixels:
        """Return the pixels of both, (H, W, 2 * channels) uint8."""
        noisy, clean = (self._channels(file) for file in (self.noisy, self.clean))
        if noisy.shape != clean.shape:
            raise ValueError(
                f"{self.path}: it has shape {noisy.shape}, the clean picture {clean.shape}"
            )
        return np.concatenate([noisy, clean], axis=2)

    def _channels(self, file):
        pixels = file.read()
        if self.channels == 3 and pixels.ndim == 2:
            raise ValueError(f"{file.path}: it is gray, and the network is for colours")
        if self.channels == 3:
            return pixels
        return (rgb_to_gray(pixels) if pixels.ndim == 3 else pixels)[..., None]


def _pair(pixels: Pixels) -> Pair:
    noisy, clean = np.split(pixels, 2, axis=2)
    done, level = filtered_as_found(_planes(noisy))
    rgb = rgb_planes(done) if len(done) == 3 else done
    found = np.rint(rgb).clip(0, GRAY_LEVELS).astype(np.uint8)
    return Pair(np.concatenate([noisy, np.moveaxis(found, 0, -1), clean], axis=2), level)


def _planes(pixels: Pixels) -> NDArray[np.float32]:
    """Return gray, or opponent planes, (channels, H, W)."""
    planes = np.moveaxis(pixels, -1, 0).astype(np.float32)
    return opponent_planes(planes) if len(planes) == 3 else planes


@dataclass(frozen=True)
class PairCrops:
    """Random crops of pairs; a batch depends on seed, process and step alone.

    Parameters
    ----------
    pairs : sequence of Pair
    config : TrainingConfig
    process : int
        Of those that train together.
    """

    pairs: Sequence[Pair]
    config: TrainingConfig
    process: int = 0

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step."""
        config = self.config
        generator = np.random.default_rng([config.seed, self.process, step])
        chosen = [self.pairs[i] for i in generator.integers(len(self.pairs), size=config.batch)]
        crops = [random_crop([pair.pixels], config.crop, generator) for pair in chosen]
        return as_batch(crops, [pair.level for pair in chosen])

    def windows(self, count: int) -> "PairCrops":
        """Return what makes as many larger crops, see `hybrid.training.pool`."""
        largest = min(min(pair.pixels.shape[:2]) for pair in self.pairs)
        side = min(2 * self.config.crop, largest)
        return replace(self, config=replace(self.config, crop=side, batch=count))


def as_batch(crops: Sequence[Pixels], levels: Sequence[float]) -> Batch:
    """Return (parts of) the pixels of pairs as a network sees them."""
    parts = [[_planes(part) for part in np.split(crop, 3, axis=2)] for crop in crops]
    noisy, filtered, clean = (as_tensor(np.stack(part)) for part in zip(*parts, strict=True))
    told = torch.tensor(levels, dtype=torch.float32)[:, None, None, None] / GRAY_LEVELS
    return Batch(noisy, clean, levels=told, filtered=filtered)
