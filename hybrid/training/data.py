"""Training data: random crops with fresh noise, and whatever is computed from them.

The batch of a step depends on the seed, the step and the process alone, so training can stop
anywhere and go on with the batches it would have seen.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hybrid.classifiers import class_tensor, denoised, hash_reach
from raisr import HashSpec, estimate_sigma, gradient_statistics, hash_image
from raisr.noise import NOISE_MODELS, NoiseModel, Sample
from raisr.validate import GRAY_LEVELS

_AHEAD = 4  # batches made before they are asked for

Guide = Literal["clean", "noisy", "denoised"]
Item = TypeVar("Item")


class Batch(NamedTuple):
    """What a training step sees.

    Attributes
    ----------
    noisy, clean : (B, channels, H, W) float32 tensors, gray levels / 255
    levels : (B, 1, 1, 1) float32 tensor or None
        Noise levels of the crops, in their unit: for half of them an estimate.
    statistics : (B, 3, H, W) float32 tensor or None
        Orientation, strength and coherence of the clean crops.
    classes : (B, H, W) integer tensor or None
        Hash of the guide.
    redrawn : (B, 1, H, W) float32 tensor or None
        The clean crops with independent noise.
    filtered : tensor or None
        What learned filters make of the noisy crops, of their shape.
    """

    noisy: Tensor
    clean: Tensor
    levels: Tensor | None = None
    statistics: Tensor | None = None
    classes: Tensor | None = None
    redrawn: Tensor | None = None
    filtered: Tensor | None = None

    def parts(self) -> dict[str, Tensor]:
        """Return what there is, by name."""
        return {name: part for name, part in self._asdict().items() if part is not None}

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        return Batch(**{name: part.to(device) for name, part in self.parts().items()})


@dataclass(frozen=True)
class Crops:
    """Random crops of some images: turned and mirrored, with fresh noise.

    Parameters
    ----------
    images : sequence of (H, W) or (H, W, 3) uint8 arrays
    noise : NoiseModel
        How noise is added.
    sigmas : pair of float
        Range of the standard deviation of the noise, in the model's gray levels. If the
        two differ, crops have levels of their own, and a batch holds them as users have them:
        known, or estimated by `raisr.estimate_sigma`, with even odds.
    size, batch : int
        Side of the crops and their number.
    seed, process : int
        Batches differ between seeds, and between processes that train together.
    spec : HashSpec
        Definition of statistics and classes, for gray levels / 255. They are computed from crops
        that are larger by its reach, after turning and mirroring, so that they are those of the
        whole image.
    statistics : bool
        Whether a batch holds the statistics of the clean crops.
    guide : {"clean", "noisy", "denoised"}, optional
        Which crops are hashed for the class map of a batch; without it there is none.
    eight_bit : float
        Share of the crops that are clipped and rounded to 8 bits.
    class_sigma : float, optional
        With it a batch has the crops with independent noise of this level, too.
    """

    images: Sequence[NDArray[np.uint8]]
    noise: NoiseModel
    sigmas: tuple[float, float]
    size: int
    batch: int
    seed: int
    process: int
    spec: HashSpec
    statistics: bool = False
    guide: Guide | None = None
    eight_bit: float = 0.0
    class_sigma: float | None = None

    def __post_init__(self) -> None:
        smallest = min(min(image.shape[:2]) for image in self.images)
        if smallest < self.size + 2 * self._margin:
            raise ValueError(
                f"crops of {self.size} pixels with a margin of {self._margin} do not fit into "
                f"an image with a side of {smallest}"
            )

    @property
    def _margin(self) -> int:
        return crop_margin(self.spec, self.guide)

    @property
    def _many(self) -> bool:
        low, high = self.sigmas
        return low < high

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step."""
        generator = np.random.default_rng([self.seed, self.process, step])
        samples = [self._sample(generator) for _ in range(self.batch)]
        levels = [self._level(sample, generator) for sample in samples]
        inner = np.s_[self._margin : self._margin + self.size,] * 2
        return Batch(
            _planes([sample.noisy[inner] for sample in samples]),
            _planes([sample.clean[inner] for sample in samples]),
            torch.tensor(levels)[:, None, None, None] / GRAY_LEVELS if self._many else None,
            _stack([true_statistics(sample, self.spec)[:, *inner] for sample in samples])
            if self.statistics
            else None,
            torch.stack([self._class_map(*p)[inner] for p in zip(samples, levels, strict=True)])
            if self.guide
            else None,
            _planes([redraw(sample, self.class_sigma, generator)[inner] for sample in samples])
            if self.class_sigma is not None
            else None,
        )

    def windows(self, count: int) -> "Crops":
        """Return what makes as many larger crops, see `hybrid.training.pool`."""
        largest = min(min(image.shape[:2]) for image in self.images) - 2 * self._margin
        return replace(self, size=min(2 * self.size, largest), batch=count)

    def _sample(self, generator: np.random.Generator) -> Sample:
        sigma = generator.uniform(*self.sigmas) if self._many else self.sigmas[0]
        crop = random_crop(self.images, self.size + 2 * self._margin, generator)
        sample = self.noise.prepare(crop, sigma, int(generator.integers(2**63)))
        if self.eight_bit and generator.random() < self.eight_bit:
            return replace(sample, noisy=sample.noisy.round().clip(0, GRAY_LEVELS))
        return sample

    def _level(self, sample: Sample, generator: np.random.Generator) -> float:
        known = not self._many or generator.random() < 0.5
        return sample.sigma if known else estimate_sigma(sample.noisy)

    def _class_map(self, sample: Sample, level: float) -> Tensor:
        return class_map(sample, self.spec, cast(Guide, self.guide), level)


def crop_margin(spec: HashSpec, guide: Guide | None) -> int:
    """Return how many pixels around a crop decide its classes."""
    return hash_reach(spec, denoised=guide == "denoised")


def random_crop(
    images: Sequence[NDArray[np.uint8]], side: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a square part of one of the images, turned and mirrored."""
    image = images[int(generator.integers(len(images)))]
    top, left = (int(generator.integers(n - side + 1)) for n in image.shape[:2])
    crop = image[top : top + side, left : left + side]
    turns, mirror = divmod(int(generator.integers(8)), 2)
    return np.rot90(crop[:, ::-1] if mirror else crop, turns)


def redraw(
    sample: Sample, sigma: float, seed: int | np.random.Generator | None = None
) -> NDArray[np.float32]:
    """Return the clean plane of a sample with independent noise.

    Parameters
    ----------
    sample : Sample
    sigma : float
        Standard deviation in the gray levels of its noise model.
    seed : int or Generator, optional
        Default: one that depends on the pixels of the clean plane alone.
    """
    if seed is None:
        digest = hashlib.sha256(sample.clean.tobytes()).digest()
        seed = int.from_bytes(digest[:8], "little")
    return NOISE_MODELS[sample.noise].redraw(sample, sigma, seed)


def true_statistics(sample: Sample, spec: HashSpec) -> NDArray[np.float32]:
    """Return orientation, strength and coherence of the clean plane of a sample, (3, H, W)."""
    statistics = gradient_statistics(sample.clean, spec, data_range=GRAY_LEVELS, num_threads=1)
    return np.stack(statistics)


def class_map(sample: Sample, spec: HashSpec, guide: Guide, level: float) -> Tensor:
    """Return the hash of the clean, noisy or denoised plane of a sample.

    It is denoised for the noise level, in the gray levels of its noise model.
    """
    if guide == "denoised":
        plane = denoised(sample.noisy, level, sample.data_range, num_threads=1)
    else:
        plane = getattr(sample, guide)
    return class_tensor(hash_image(plane, spec, data_range=GRAY_LEVELS, num_threads=1), spec)


def as_input(plane: NDArray[np.float32]) -> Tensor:
    """Return a plane in gray levels as the input of a network, (1, 1, H, W)."""
    return _planes([plane])


def ahead(
    make: Callable[[int], Item], steps: Iterable[int], threads: int = 1
) -> Generator[Item, None, None]:
    """Yield ``make(step)`` for every step; threads make the next ones meanwhile."""
    waiting: deque = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for step in steps:
            waiting.append(pool.submit(make, step))
            if len(waiting) > _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _planes(planes):
    return torch.from_numpy(np.stack(planes)[:, None] / np.float32(GRAY_LEVELS))


def _stack(arrays):
    return torch.from_numpy(np.stack(arrays))
