"""What the commands of `raisr.cli` do: files in, files out, progress and exit status."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tqdm import tqdm

import raisr
from raisr.colour import LUMA
from raisr.denoising import LADDER, MODELS
from raisr.io import SUFFIXES, check_format, list_images, read_image, write_image
from raisr.plotting import class_map_picture
from raisr.validate import GRAY_LEVELS, data_range_of

if TYPE_CHECKING:
    from raisr import FilterBank


class NoiseLevel(NamedTuple):
    """Standard deviation of noise: in a file's values, or as a share of white."""

    value: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> NoiseLevel:
        """Read "25" or "10%"."""
        relative = text.endswith("%")
        value = float(text.removesuffix("%")) / (100 if relative else 1)
        if not 0 <= value < np.inf:
            raise ValueError(f"a noise level is not negative and finite, got {text}")
        return cls(value, relative)

    def of(self, white: float) -> float:
        """Level in the values of a file whose white is `white`."""
        return self.value * white if self.relative else self.value


def denoise(arguments: Namespace) -> int:
    """Denoise one file, or each image of a folder."""
    source, target = arguments.input, arguments.output
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    if target.exists() and target.samefile(source):
        raise ValueError(f"{target}: IN and OUT must differ")
    arguments.bank = _load_model(arguments)
    if source.is_dir():
        return _denoise_folder(source, target, arguments)
    if target.is_dir():
        target = target / source.name
    _check_target(target, arguments)
    removed = _denoise_file(source, target, arguments)
    print(f"{target}: {removed}")
    return 0


def learn(arguments: Namespace) -> int:
    """Learn a bank and save it."""
    output = arguments.output
    if output.suffix != ".safetensors":
        raise ValueError(f"{output}: the name of a bank must end in .safetensors")
    _check_target(output, arguments)
    pairs = TrainingPairs(arguments)
    bank = raisr.learn_filters(
        pairs,
        arguments.spec,
        size=arguments.size,
        stages=arguments.stages,
        data_range=pairs.white,
        num_threads=arguments.threads,
    )
    bank.metadata.update(pairs.facts())
    bank.save(output)
    print(f"{output}: learned from {len(pairs)} images; `raisr info {output}` describes it")
    return 0


def hash_file(arguments: Namespace) -> int:
    """Draw the class map of an image."""
    _check_target(arguments.output, arguments)
    spec = raisr.HashSpec.preset(arguments.spec)
    luma, dtype = _read_luma(arguments.input)
    white = data_range_of(dtype, arguments.white)
    classes = raisr.hash_image(luma, spec, data_range=white, num_threads=arguments.threads)
    write_image(arguments.output, class_map_picture(classes, spec))
    return 0


def info(arguments: Namespace) -> int:
    """Describe a bank."""
    bank = raisr.FilterBank.load(arguments.bank)
    print(json.dumps(bank.info(), indent=2) if arguments.json else _summary(bank))
    return 0


class TrainingPairs:
    """Pairs of luma planes (noisy, clean), read anew on each pass, so memory holds one pair."""

    def __init__(self, arguments: Namespace) -> None:
        self.arguments = arguments
        self.names = list_images(arguments.clean)
        if not self.names:
            raise ValueError(f"{arguments.clean}: no images in this folder")
        if arguments.noisy:
            missing = [n for n in self.names if not (arguments.noisy / n).is_file()]
            if missing:
                raise FileNotFoundError(
                    f"{arguments.noisy / missing[0]}: {len(missing)} of {len(self.names)} clean "
                    "images have no noisy image of the same name"
                )
        _, self.dtype = _read_luma(arguments.clean / self.names[0])
        self.white = data_range_of(self.dtype, arguments.white)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for index, name in enumerate(self.names):
            clean = self._read(self.arguments.clean / name)
            if self.arguments.noisy:
                noisy = self._read(self.arguments.noisy / name)
                if noisy.shape != clean.shape:
                    raise ValueError(
                        f"{self.arguments.noisy / name}: it has shape {noisy.shape}, "
                        f"the clean image {clean.shape}"
                    )
            else:
                sigma = self.arguments.sigma.of(self.white)
                noisy = raisr.noise.add_gaussian_noise(clean, sigma, [self.arguments.seed, index])
            yield noisy, clean

    def facts(self) -> dict[str, Any]:
        """Facts for the bank's header."""
        facts: dict[str, Any] = {"images": len(self), "dtype": str(self.dtype), "white": self.white}
        if not self.arguments.noisy:
            facts["sigma"] = self.arguments.sigma.of(self.white)
            facts["seed"] = self.arguments.seed
        return facts

    def _read(self, path: Path) -> np.ndarray:
        luma, dtype = _read_luma(path)
        if dtype != self.dtype:
            raise ValueError(f"{path}: it holds {dtype} pixels, {self.names[0]} {self.dtype}")
        return luma


def _load_model(arguments: Namespace) -> str | FilterBank:
    if arguments.model in MODELS:
        return arguments.model
    if arguments.sigma:
        raise ValueError(f"--sigma has no effect on the bank {arguments.model}: leave it out")
    if not Path(arguments.model).is_file():
        raise FileNotFoundError(f"{arguments.model}: not fast, best or the file of a bank")
    return raisr.FilterBank.load(arguments.model)


def _denoise_folder(source: Path, target: Path, arguments: Namespace) -> int:
    if not target.is_dir() and (target.exists() or target.suffix.lower() in SUFFIXES):
        raise NotADirectoryError(f"{target}: OUT must be a folder, as {source} is one")
    inside = target.resolve()
    names = [n for n in list_images(source) if inside not in (source / n).resolve().parents]
    if not names:
        raise ValueError(f"{source}: no images in this folder")
    target.mkdir(parents=True, exist_ok=True)
    _check_writable(target)
    kept = failed = 0
    for name in tqdm(names, unit="image", disable=None):
        result = target / name
        if result.exists() and not arguments.overwrite:
            kept += 1
            continue
        try:
            result.parent.mkdir(parents=True, exist_ok=True)
            _denoise_file(source / name, result, arguments)
        except (OSError, ValueError, TypeError) as error:
            failed += 1
            tqdm.write(f"raisr: {describe(error)}", file=sys.stderr)
    print(f"{target}: {len(names) - kept - failed} denoised, {kept} kept, {failed} failed")
    return 1 if failed else 0


def _denoise_file(source: Path, target: Path, arguments: Namespace) -> str:
    """Denoise one file and say what was done."""
    pixels, metadata = read_image(source)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    check_format(target, pixels.dtype, channels)
    alpha = pixels[..., -1:] if channels in (2, 4) else None
    colours = pixels if alpha is None else pixels[..., :-1]
    if channels == 2:
        colours = colours[..., 0]
    axis = -1 if colours.ndim == 3 else None
    white = data_range_of(pixels.dtype, arguments.white)
    sigma = arguments.sigma.of(white) if arguments.sigma else None
    done = f"filtered with {arguments.model}"
    if arguments.model in MODELS:
        if sigma is None:
            sigma = raisr.estimate_sigma(colours, channel_axis=axis)
        level = f"{sigma:.4g} ({round(100 * sigma / white, 1):g}% of white)"
        if sigma > white * LADDER[-1] / GRAY_LEVELS:
            raise ValueError(
                f"{source}: noise of sigma {level} is more than the shipped filters are made for; "
                f"white is taken to be {white:g}: see --white"
            )
        done = f"removed noise of sigma {level}{'' if arguments.sigma else ', estimated'}"
    options = {"model": arguments.bank, "data_range": white, "num_threads": arguments.threads}
    try:
        result = raisr.denoise(colours, sigma, channel_axis=axis, **options)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    if alpha is not None:
        result = np.dstack([result, alpha])
    write_image(target, result, metadata)
    return done


def _check_target(target: Path, arguments: Namespace) -> None:
    if target.exists() and not arguments.overwrite:
        raise FileExistsError(f"{target}: already there; pass --overwrite to replace it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder")
    _check_writable(target.parent)


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder}: no permission to write in this folder")


def _read_luma(path: Path) -> tuple[np.ndarray, np.dtype]:
    """Luma in the file's values, (H, W) float32, and the file's dtype; alpha is left out."""
    pixels, _ = read_image(path)
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        return pixels[..., :3].astype(np.float32) @ LUMA.astype(np.float32), pixels.dtype
    return np.atleast_3d(pixels)[..., 0].astype(np.float32), pixels.dtype


def _summary(bank: FilterBank) -> str:
    lines = []
    for index, (stage, values) in enumerate(zip(bank.stages, bank.info()["stages"], strict=True)):
        shape = " x ".join(map(str, stage.spec.shape))
        lines += [
            f"stage {index + 1} of {len(bank.stages)}",
            f"  {stage.spec.num_classes} classes (orientation x strength x coherence: {shape})",
            f"  {stage.spec.num_classes} filters of {stage.size} x {stage.size} on {stage.planes} "
            f"plane(s): {values['macs_per_pixel']} multiplications a pixel",
            *_listed(stage.spec.to_dict()),
        ]
    return "\n".join([*lines, "training", *_listed(bank.metadata)])


def _listed(values: dict[str, Any]) -> list[str]:
    def text(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(text, value)) or "none"
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    return [f"    {key:<18} {text(value)}" for key, value in values.items()]


def describe(error: Exception) -> str:
    """Say what went wrong in one line."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
