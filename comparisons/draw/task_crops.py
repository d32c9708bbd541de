"""Crops of a photograph that comes with scikit-image, enlarged, and cleaned of JPEG."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from comparisons.draw.crops import Panel, draw_crops
from comparisons.measure.deblocking import CLEANERS
from comparisons.measure.enlarging import METHODS
from comparisons.measure.scenes import Window
from raisr.colour import rgb_to_gray
from raisr.jpeg import compress
from raisr.learning_upscaling import crop_to_multiple, reduce_image
from raisr.metrics import psnr

__all__ = ["PICTURES", "draw_cleaned", "draw_enlarged"]

_FACTOR, _QUALITY = 2, 10
_WINDOWS = Window(54, 129, 192), Window(12, 10, 72)


def draw_enlarged() -> Figure:
    """Return crops of a photograph that was reduced to half its sides, enlarged by each method."""
    image = crop_to_multiple(_photograph(), _FACTOR)
    small = reduce_image(image, _FACTOR).astype(np.uint8)
    return _draw(f"enlarged by {_FACTOR}", image, small, METHODS, _FACTOR)


def draw_cleaned() -> Figure:
    """Return crops of a photograph that was a JPEG, cleaned by each method."""
    image = _photograph()
    stored = compress(image, _QUALITY)
    return _draw(f"JPEG of quality {_QUALITY}", image, stored, CLEANERS, _QUALITY)


PICTURES = {"upscale": draw_enlarged, "deblock": draw_cleaned}
"""Task of `comparisons.tasks` -> what draws its picture."""


def _photograph() -> NDArray[np.uint8]:
    from skimage import data

    return rgb_to_gray(data.chelsea())


def _draw(
    title: str, image: NDArray, given: NDArray, methods: Mapping[str, Any], how: int
) -> Figure:
    outputs = {method.label: method.run(given, how) for method in methods.values()}
    panels = [Panel("original\nPSNR", image)]
    panels += [Panel(f"{label}\n{psnr(out, image):.2f} dB", out) for label, out in outputs.items()]
    return draw_crops(panels, *_WINDOWS, f"chelsea, {title}")
