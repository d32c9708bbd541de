"""`raisr learn`: a bank from folders of images."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import raisr
from raisr.cli.checks import check_target
from raisr.cli.learn_upscaling import learn_to_upscale
from raisr.cli.planes import is_measured, read_colours, read_luma
from raisr.io import list_images
from raisr.io.partners import match_names
from raisr.validate import data_range_of

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank

__all__ = ["TrainingPairs", "learn"]


_FOREIGN = {  # options that have no effect, by task
    "denoise": ("factor",),
    "upscale": ("sigma", "noisy", "colour", "spec", "size", "seed", "symmetric"),
}
_HINTS = defaultdict(lambda: ": leave it out", factor=": --task upscale has one")


def learn(arguments: Namespace) -> int:
    """Learn a bank and save it."""
    output = arguments.output
    if output.suffix != ".safetensors":
        raise ValueError(f"{output}: the name of a bank must end in .safetensors")
    for name in _FOREIGN[arguments.task]:
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} has no effect with --task {arguments.task}{_HINTS[name]}")
    check_target(output, arguments)
    if arguments.task == "upscale":
        bank, count, rest = learn_to_upscale(arguments)
    else:
        bank, count, rest = _learn_from_pairs(arguments)
    bank.save(output)
    print(
        f"{output}: learned from {count} images{_score(bank.metadata)}{rest}; "
        f"`raisr info {output}` describes it"
    )
    return 0


def _learn_from_pairs(arguments: Namespace) -> tuple[FilterBank | ColourBank, int, str]:
    """Return a bank, from how many images it was learned, and what was left out."""
    if arguments.sigma is None and arguments.noisy is None:
        raise ValueError("one of the arguments --sigma --noisy is required")
    pairs = TrainingPairs(arguments)
    bank = raisr.learn_filters(
        pairs,
        arguments.spec,
        size=7 if arguments.size is None else arguments.size,
        stages=arguments.stages,
        symmetric=arguments.symmetric,
        channel_axis=-1 if arguments.colour else None,
        data_range=pairs.white,
        num_threads=arguments.threads,
    )
    bank.metadata.update(pairs.facts())
    directed = arguments.symmetric is None and not bank.metadata["symmetric"]
    found = "; the task has a direction: filters are not symmetric" if directed else ""
    return bank, len(pairs), found + pairs.left_out()


def _score(metadata: dict[str, Any]) -> str:
    """Say how much the bank helps, where learning measured it."""
    if not {"psnr_before", "psnr_after"} <= metadata.keys():
        return ""
    before, after = metadata["psnr_before"], metadata["psnr_after"]
    verdict = "" if after > before else ": the filters do not help"
    return f", PSNR {before:.2f} dB before, {after:.2f} dB after{verdict}"


class TrainingPairs:
    """Pairs of luma planes, or of RGB images, (noisy, clean), read anew on each pass."""

    def __init__(self, arguments: Namespace) -> None:
        self.arguments, self.seed = arguments, arguments.seed or 0
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
                if noisy.shape != clean.shape:
                    raise ValueError(
                        f"{other}: it has shape {noisy.shape}, the clean image {clean.shape}"
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
