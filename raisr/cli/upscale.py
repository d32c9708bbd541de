"""`raisr upscale`: one file, each image of a folder, or standard input and output."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

import numpy as np

import raisr
from raisr.cli.checks import white_fits
from raisr.cli.deblock import Settings as Cleaning
from raisr.cli.deblock import deblock_page
from raisr.cli.groups import restored
from raisr.cli.planes import alpha_channel, fill_hidden, less_pedestal, white_of
from raisr.cli.upscale_video import VideoEnlarger
from raisr.cli.work import Work, work_on
from raisr.intel_filters import IntelFilters
from raisr.io import Page, geo_tags
from raisr.io.picture import ASSOCIATED
from raisr.upscaling import MODELS, check_bank, load_bank
from raisr.upscaling_bank import UpscalingBank

__all__ = ["upscale", "upscale_page"]

_Done = tuple[tuple[int, ...], list[int | None]]  # height and width; and qualities of JPEG


class Settings(NamedTuple):
    """How to enlarge: factor, value of white (None: by the type), model, and whether to mix."""

    factor: float
    white: float | None
    model: str | UpscalingBank | IntelFilters
    census: bool
    threads: int | None


def upscale(arguments: Namespace) -> int:
    """Enlarge one file, or each image of a folder."""
    model, factor = _model_and_factor(arguments)
    settings = Settings(factor, arguments.white, model, arguments.census, arguments.threads)

    def change(page: Page) -> tuple[Page, list[_Done]]:
        page, qualities = _cleaned(page, settings, arguments.compressed)
        result = upscale_page(page, settings)
        return result, [(result.pixels.shape[:2], qualities)]

    def describe(done: list[_Done]) -> tuple[str, bool]:
        (height, width), _ = done[0]
        known = dict.fromkeys(str(q) for _, qualities in done for q in qualities if q is not None)
        before = f", cleaned of JPEG of quality {', '.join(known)}" if known else ""
        return f"enlarged by {factor:g} to {width} x {height}{before}", False

    video = None if arguments.compressed else VideoEnlarger(settings)
    arguments.work = Work(change, describe, "enlarged", video)
    return work_on(arguments)


def _cleaned(
    page: Page, settings: Settings, compressed: bool | None
) -> tuple[Page, list[int | None]]:
    """Return a page without what JPEG left, and the qualities; None: of the file of a JPEG."""
    if not (page.metadata.get("jpeg_quality") if compressed is None else compressed):
        return page, []
    model = settings.model if settings.model in MODELS else "fast"
    return deblock_page(page, Cleaning(None, settings.white, model, settings.threads))


def _model_and_factor(arguments: Namespace) -> tuple[str | UpscalingBank | IntelFilters, float]:
    """Return a shipped model or the bank of a file, and the factor: that of the bank by default."""
    name, factor = arguments.model, arguments.factor
    if factor is not None:
        factor = int(factor) if factor.is_integer() else factor
    if name in MODELS:
        return name, factor or 2
    if not Path(name).exists():
        raise FileNotFoundError(f"{name}: not one of {', '.join(MODELS)}, nor the file of a bank")
    bank = load_bank(name)
    check_bank(bank, factor := factor or bank.factor)
    return bank, factor


def upscale_page(page: Page, settings: Settings) -> Page:
    """Enlarge a page: colours together, alpha and bands one by one.

    Colours that alpha hides change nothing that is visible.
    """
    samples = np.atleast_3d(page.pixels)
    count = samples.shape[2] - len(page.extra)
    alpha, colours = alpha_channel(page), samples[..., :count]
    associated = ASSOCIATED in page.extra
    if alpha is not None and not associated and 0 < np.count_nonzero(alpha) < alpha.size:
        colours = fill_hidden(colours, alpha == 0)
    parts = [_enlarged(colours[..., 0] if count == 1 else colours, settings)]
    parts += [_enlarged(samples[..., place], settings) for place in range(count, samples.shape[2])]
    result = np.concatenate([np.atleast_3d(part) for part in parts], axis=2)
    if associated and alpha is not None:  # no colour times alpha is above alpha
        place = count + page.extra.index(ASSOCIATED)
        limit = result[..., place : place + 1]
        np.minimum(result[..., :count], limit, out=result[..., :count])
    shape = result.shape if page.pixels.ndim == 3 else result.shape[:2]
    metadata = geo_tags.enlarged(dict(page.metadata), settings.factor)
    if "per_unit" in metadata:  # pixels of a micrometre, as ImageJ counts them
        metadata["per_unit"] = tuple(settings.factor * count for count in metadata["per_unit"])
    return Page(result.reshape(shape), metadata)


def _enlarged(values: np.ndarray, settings: Settings) -> np.ndarray:
    work, pedestal = less_pedestal(values)
    white = white_of(values, settings.white)
    with white_fits(white):
        result = raisr.upscale(
            work,
            settings.factor,
            model=settings.model,
            census=settings.census,
            channel_axis=None if work.ndim == 2 else -1,
            data_range=white,
            num_threads=settings.threads,
        )
    return result if result.dtype == values.dtype else restored(result, pedestal, values.dtype)
