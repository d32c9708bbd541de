"""The pictures of a run: read once, checked, some of them held back."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid.training.config import TrainingConfig
from raisr.datasets import Dataset, dataset_names, load_dataset, load_folder
from raisr.noise import Sample, noise_seed

Pixels = NDArray[np.uint8]
Item = TypeVar("Item")
File = TypeVar("File", bound="Readable")


def load_images(
    config: TrainingConfig,
    prepare: Callable[[Pixels, float, int], Sample],
    sigmas: Callable[[int], Sequence[float]],
    refusal: Callable[[Pixels], str],
    *,
    download: bool = False,
) -> tuple[list[Pixels], list[Sample]]:
    """Read the images of a run: those to train on, and noisy samples of those held back.

    Parameters
    ----------
    config : TrainingConfig
    prepare : callable
        Image, noise level and seed -> sample.
    sigmas : callable
        Number of images held back -> noise level of each.
    refusal : callable
        Image -> why it is of no use here; empty where it is of use. Such images are left out,
        and a warning tells how many.
    download : bool
        Fetch missing images from their public addresses.

    Raises
    ------
    ValueError
        No such set or folder, a test set, a file that cannot be read (`config.broken`), or too
        few images.
    FileNotFoundError
        Images are missing and `download` is False.
    """
    if tests := sorted({*config.images} & {*dataset_names()} - {"sample"}):
        raise ValueError(f"images: nothing is trained on test sets, got {', '.join(tests)}")
    sets = [_load(name, download) for name in config.images]
    read = [list(read_pictures(images.images, config, refusal)) for images in sets]
    rest, kept = hold_back(read, config)
    return (
        [pixels for _, pixels in rest],
        [
            prepare(pixels, sigma, noise_seed(sets[0].folder, file.name, sigma))
            for (file, pixels), sigma in zip(kept, sigmas(len(kept)), strict=True)
        ],
    )


def hold_back(
    sets: Sequence[Sequence[Item]], config: TrainingConfig
) -> tuple[list[Item], list[Item]]:
    """Return what is trained on, and what is held back of the first set, evenly spread over it."""
    first = sets[0]
    count = config.held_back if 2 * config.held_back <= len(first) else max(1, len(first) // 10)
    if len(first) <= count:
        raise ValueError(f"{config.images[0]}: wanted two images or more, got {len(first)}")
    places = range(0, len(first), len(first) // count)[:count]
    kept = [first[place] for place in places]
    rest = [item for place, item in enumerate(first) if place not in places]
    return [*rest, *(item for others in sets[1:] for item in others)], kept


def _load(name: str, download: bool) -> Dataset:
    return load_folder(name) if Path(name).is_dir() else load_dataset(name, download=download)


class Readable(Protocol):
    """A file with pixels."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    def read(self) -> Pixels:
        """Return its pixels."""


def read_pictures(
    files: Sequence[File], config: TrainingConfig, refusal: Callable[[Pixels], str]
) -> Iterator[tuple[File, Pixels]]:
    """Yield each file with its pixels; a warning tells what is left out."""
    left_out = []
    for file in files:
        try:
            pixels = file.read()
            problem = refusal(pixels)
        except (OSError, ValueError) as error:
            if config.broken != "skip":
                raise
            problem = f"cannot be read ({error})"
        if problem:
            left_out.append(f"{file.path} {problem}")
        else:
            yield file, pixels
    if left_out:
        warnings.warn(
            f"{len(left_out)} of {len(files)} images are left out, the first: {left_out[0]}",
            stacklevel=2,
        )
