"""Pictures that live inside the page, as data URIs."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Picture:
    """A picture and what a reader is told about it.

    Attributes
    ----------
    label : str
        What it is called.
    source : str
        The picture itself, a data URI.
    about : str
        What is to be seen, or how good it is, in one line.
    """

    label: str
    source: str
    about: str = ""


def from_pixels(pixels: NDArray) -> str:
    """Return an image, (H, W) or (H, W, 3), as a PNG; values are clipped to 0..255 and rounded."""
    values = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", optimize=True)
    return _uri(buffer.getvalue(), ".png")


def from_figure(figure: Figure) -> str:
    """Return a figure as a PNG of 128 colours, which is enough for one colour map."""
    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    with Image.open(buffer) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(small, "PNG")
    return _uri(small.getvalue(), ".png")


def from_file(path: Path) -> str:
    """Return a PNG or SVG file."""
    return _uri(path.read_bytes(), path.suffix)


def _uri(content: bytes, suffix: str) -> str:
    return f"data:{_TYPES[suffix]};base64,{base64.b64encode(content).decode()}"
