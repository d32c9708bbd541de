"""Pairs of images that `raisr learn` learns from: files of two folders, or with noise added."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import raisr
from raisr.cli.planes import is_measured, read_colours, read_luma
from raisr.io import list_images
from raisr.io.partners import match_names
from raisr.validate import data_range_of

__all__ = ["TrainingPairs"]


class TrainingPairs:
    """Pairs of luma planes, or of RGB images, (noisy, clean), read anew on each pass.

    Clean images are `factor` times as large as noisy ones.
    """

    def __init__(self, arguments: Namespace, factor: int = 1) -> None:
        self.arguments, self.factor, self.seed = arguments, factor, arguments.seed or 0
        self.names = list_images(arguments.clean)
        if not self.names:
            raise ValueError(f"{arguments.clean}: no images in this folder")
        self.partners: dict[Path, Path] = {}
        self.alone = 0
        if arguments.noisy:
            noisy = list_images(arguments.noisy)
            self.partners = match_names(self.names, noisy, arguments.clean, arguments.noisy)
            self.alone = len(noisy) - len(self.partners)
        _, pixels = read_luma(arguments.clean / self.names[0])
        self.dtype = pixels.dtype
        if is_measured(self.dtype) and arguments.white is None:
            raise ValueError(
                f"{arguments.clean / self.names[0]}: {self.dtype} has no white of its own: "
                "pass --white"
            )
        self.white = data_range_of(self.dtype, arguments.white)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for index, name in enumerate(self.names):
            clean = self._read(self.arguments.clean / name)
            if self.arguments.noisy:
                other = self.arguments.noisy / self.partners[name]
                noisy = self._read(other)
                height, width, *colours = noisy.shape
                if clean.shape != (self.factor * height, self.factor * width, *colours):
                    times = "" if self.factor == 1 else f", not {self.factor} times as large"
                    raise ValueError(
                        f"{other}: it has shape {noisy.shape}, the clean image {clean.shape}{times}"
                    )
            else:
                (sigma,) = self.arguments.sigma.of(self.white)
                noisy = raisr.noise.add_gaussian_noise(clean, sigma, [self.seed, index])
            yield noisy, clean

    def facts(self) -> dict[str, Any]:
        """Facts for the bank's header."""
        facts: dict[str, Any] = {"images": len(self), "dtype": str(self.dtype), "white": self.white}
        if not self.arguments.noisy:
            (facts["sigma"],) = self.arguments.sigma.of(self.white)
            facts["seed"] = self.seed
        return facts

    def left_out(self) -> str:
        """Say how many noisy images have no clean one."""
        return f"; noisy images without a clean one: {self.alone}" if self.alone else ""

    def _read(self, path: Path) -> np.ndarray:
        read, pixels = (read_colours if self.arguments.colour else read_luma)(path)
        if self.arguments.colour and read.shape[2] != 3:
            raise ValueError(f"{path}: it is gray, and --colour learns from three colours")
        if pixels.dtype != self.dtype:
            raise ValueError(
                f"{path}: it holds {pixels.dtype} pixels, {self.names[0]} {self.dtype}"
            )
        bad = np.argwhere(~np.isfinite(read))
        if bad.size:
            raise ValueError(f"{path}: not finite at {tuple(bad[0].tolist())}")
        return read
