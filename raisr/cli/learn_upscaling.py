"""`raisr learn --task upscale`: a bank that enlarges, from sharp images or from pairs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import raisr
from raisr.cli.planes import is_measured, read_luma
from raisr.cli.training_pairs import TrainingPairs
from raisr.io import list_images
from raisr.validate import GRAY_LEVELS, data_range_of

__all__ = ["learn_to_upscale"]

_PIXELS = 1 << 26  # of all images together: more would change little, and fill the memory


def learn_to_upscale(arguments: Namespace) -> tuple[raisr.UpscalingBank, int, str]:
    """Return a bank, from how many images it was learned, and what was left out."""
    # With SciPy, which other commands do not need.
    from raisr.learning_upscaling import RECIPES

    factor = arguments.factor or 2.0
    if not factor.is_integer():
        raise ValueError("--factor 1.5 has no bank of its own: learn one of 3, which serves it")
    recipe = RECIPES["best"]
    stages = len(recipe) if arguments.stages is None else arguments.stages
    if not 1 <= stages <= len(recipe):
        raise ValueError(f"--stages must be from 1 to {len(recipe)} to upscale, got {stages}")
    if arguments.noisy:
        return _learn_from_pairs(arguments, int(factor), stages)
    return _learn_from_sharp(arguments, int(factor), recipe[:stages])


def _learn_from_pairs(
    arguments: Namespace, factor: int, stages: int
) -> tuple[raisr.UpscalingBank, int, str]:
    pairs = TrainingPairs(arguments, factor)
    bank = raisr.learn_filters(
        pairs, factor=factor, stages=stages, data_range=pairs.white, num_threads=arguments.threads
    )
    bank.metadata.update(pairs.facts())
    learned = bank.metadata["training_images"]
    return bank, learned, _left(len(pairs) - learned) + pairs.left_out()


def _learn_from_sharp(
    arguments: Namespace, factor: int, recipe: Sequence[Any]
) -> tuple[raisr.UpscalingBank, int, str]:
    from raisr.learning_upscaling import HELD_BACK

    names = list_images(arguments.clean)
    if not names:
        raise ValueError(f"{arguments.clean}: no images in this folder")
    held_back = names[HELD_BACK - 1 :: HELD_BACK]
    learned = [name for name in names if name not in held_back]
    most = _PIXELS / len(names)
    bank = raisr.learn_upscaling(
        _lumas(arguments, learned, most),
        factor,
        recipe,
        held_back=_lumas(arguments, held_back, most),
        data_range=GRAY_LEVELS,
        num_threads=arguments.threads,
    )
    return bank, len(learned), _left(len(held_back))


def _left(held_back: int) -> str:
    return f"; {held_back} were held back to measure" if held_back else ""


def _lumas(arguments: Namespace, names: Sequence[Path], most: float) -> Iterator[np.ndarray]:
    """Yield the luma of images in gray levels; of large ones a middle of so many pixels."""
    for name in names:
        path = arguments.clean / name
        luma, pixels = read_luma(path)
        if is_measured(pixels.dtype) and arguments.white is None:
            raise ValueError(f"{path}: {pixels.dtype} has no white of its own: pass --white")
        if not np.isfinite(luma).all():
            where = tuple(np.argwhere(~np.isfinite(luma))[0].tolist())
            raise ValueError(f"{path}: not finite at {where}")
        share = min(1.0, (most / luma.size) ** 0.5)
        inside = tuple(_middle(side, max(8, round(share * side))) for side in luma.shape)
        yield luma[inside] * np.float32(GRAY_LEVELS / data_range_of(pixels.dtype, arguments.white))


def _middle(side: int, length: int) -> slice:
    start = max(0, (side - length) // 2)
    return slice(start, start + length)
