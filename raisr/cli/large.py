"""`raisr denoise` of files that need not fit in memory: zarr, and large TIFF."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from raisr.camera_models import GAINS
from raisr.cli.checks import named, white_fits
from raisr.cli.levels import in_percent, in_words
from raisr.cli.plans import doubt_in
from raisr.cli.report import Report
from raisr.io.folders import TIFF
from raisr.io.large import one_kind
from raisr.io.zarr_files import is_zarr
from raisr.stabilisation import PhotonNoise
from raisr.step_facts import levels_in
from raisr.streaming import denoise_stream
from raisr.validate import GRAY_LEVELS, data_range_of

__all__ = ["is_large", "stream_with"]

_LARGE = 1 << 28
"""Bytes of pixels, beyond which a TIFF is read part by part."""


def is_large(source: Path, target: Path) -> bool:
    """Return whether a file is denoised part by part: a zarr, or a large TIFF of one kind."""
    if is_zarr(source) or target.suffix.lower() == ".zarr":
        return True
    if target.suffix.lower() not in TIFF or source.stat().st_size < _LARGE // 64:
        return False
    size, dtype = one_kind(source)
    return dtype is not None and size > _LARGE


def stream_with(arguments: Namespace, model: Any) -> Callable[[Path, Path], Report]:
    """Return what denoises one file part by part, as the arguments say."""

    def run(source: Path, target: Path) -> Report:
        _, dtype = one_kind(source)
        if dtype is None:
            raise ValueError(f"{source}: it cannot be read part by part, as for a zarr")
        white = data_range_of(dtype, arguments.white)
        levels = None if arguments.sigma is None else arguments.sigma.of(white)
        with named(source, target), white_fits(white):
            done = denoise_stream(
                source,
                target,
                levels and (levels[0] if len(levels) == 1 else levels),
                model=model,
                noise=arguments.noise,
                axes=arguments.axes,
                data_range=arguments.white,
                overwrite=arguments.overwrite,
                sparse=arguments.sparse,
                num_threads=arguments.threads,
                progress=True,
            )
        if arguments.verbose:
            for step in done.steps:
                print(json.dumps({"file": str(source), **step}), file=sys.stderr)
        told = list(dict.fromkeys(text for step in done.steps for text in _in_words(step, white)))
        given = arguments.sigma or isinstance(arguments.noise, PhotonNoise)
        origin = "" if given or not isinstance(model, str) else ", estimated"
        if told:
            text = f"removed {', '.join(told)}{origin}"
        else:
            doubt = next(filter(None, map(doubt_in, done.steps)), "")
            found = doubt or "found no noise, or could not tell"
            text = f"changed nothing: {'sigma is 0' if arguments.sigma else found}"
        return Report(text, not told, done.notes)

    return run


def _in_words(step: dict[str, Any], white: float) -> list[str]:
    """Say what a step removes, in the values of the file."""
    kind, unit = step["step"], white / GRAY_LEVELS
    if kind == "each":
        return [text for part in step["of"] for text in _in_words(part, white)]
    if kind == "gray":
        return _in_words(step["of"], white)
    if kind == "bank":
        return ["what the bank is for"]
    if kind == "photon":
        gain, dark, _ = step["noise"]
        gain, dark = (in_words(value * unit) for value in (gain, dark))
        return [f"photon noise of {gain} a photon and {dark} in the dark"]
    name = "camera noise" if kind in GAINS else "noise"
    return [
        f"{name} of sigma {in_words(level * unit)} ({in_percent(level / GRAY_LEVELS)} of white)"
        for level in levels_in(step)
        if level
    ]
