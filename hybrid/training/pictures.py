"""The pictures of a run: read once, checked, some of them held back."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid.training.config import TrainingConfig
from raisr.datasets import Dataset, ImageFile, dataset_names, load_dataset, load_folder
from raisr.noise import Sample, noise_seed

Pixels = NDArray[np.uint8]


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
    read = [list(_read(images.images, config.broken == "skip", refusal)) for images in sets]
    first = read[0]
    count = config.held_back if 2 * config.held_back <= len(first) else max(1, len(first) // 10)
    if len(first) <= count:
        raise ValueError(f"{config.images[0]}: wanted two images or more, got {len(first)}")
    kept = first[:: len(first) // count][:count]
    held_back = {file for file, _ in kept}
    return (
        [pixels for images in read for file, pixels in images if file not in held_back],
        [
            prepare(pixels, sigma, noise_seed(sets[0].folder, file.name, sigma))
            for (file, pixels), sigma in zip(kept, sigmas(count), strict=True)
        ],
    )


def _load(name: str, download: bool) -> Dataset:
    return load_folder(name) if Path(name).is_dir() else load_dataset(name, download=download)


def _read(
    files: Sequence[ImageFile], skip: bool, refusal: Callable[[Pixels], str]
) -> Iterator[tuple[ImageFile, Pixels]]:
    left_out = []
    for file in files:
        try:
            pixels = file.read()
            problem = refusal(pixels)
        except (OSError, ValueError) as error:
            if not skip:
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
