"""What the commands see of a picture: its white, its luma, and nothing that alpha hides."""

from pathlib import Path

import numpy as np

from raisr.colour import LUMA
from raisr.io import Page, read_image
from raisr.io.picture import ALPHA, ASSOCIATED, BAND
from raisr.validate import data_range_of

__all__ = [
    "alpha_channel",
    "colours_of",
    "fill_hidden",
    "is_measured",
    "less_pedestal",
    "read_colours",
    "read_luma",
    "straight",
    "white_of",
]


def is_measured(dtype: np.dtype) -> bool:
    """Tell whether a type has no natural white: signed integers, and unsigned ones of 32 bits."""
    return dtype.kind == "i" or (dtype.kind == "u" and dtype.itemsize > 2)


def white_of(pixels: np.ndarray, given: float | None) -> float:
    """Return the value of white: given, or by the type, or the span of measured values."""
    if given is None and is_measured(pixels.dtype):
        return float(int(pixels.max()) - int(pixels.min())) or 1.0
    return data_range_of(pixels.dtype, given)


def less_pedestal(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return values that filters take, and what was taken from them: the least measured one."""
    if not is_measured(values.dtype):
        return values, 0
    pedestal = int(values.min())
    return (values.astype(np.float64) - pedestal).astype(np.float32), pedestal


def alpha_channel(page: Page) -> np.ndarray | None:
    """Return the first alpha channel, (H, W), or None."""
    for place, name in enumerate(page.extra):
        if name in (ALPHA, ASSOCIATED):
            return page.pixels[..., place - len(page.extra)]
    return None


def straight(colours: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return colours before they were multiplied by alpha, float32, and what they were times."""
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else max(1, alpha.max())
    share = np.where(alpha > 0, alpha, full).astype(np.float32) / np.float32(full)
    share = share if colours.ndim == 2 else share[..., None]
    result = colours.astype(np.float32) / share
    if colours.dtype.kind in "ui":
        np.clip(result, 0, np.iinfo(colours.dtype).max, out=result)
    return result, share


def fill_hidden(values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Replace hidden pixels (H, W) by visible ones, mirrored where the visible part ends.

    What is hidden then has the texture and the noise of what lies beside it, as a picture has
    beyond its borders.
    """
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    places = np.array(np.nonzero(hidden))
    last = np.array(hidden.shape)[:, None] - 1
    mirrored = np.clip(2 * nearest[:, hidden] - places, 0, last)
    filled = values.copy()
    filled[hidden] = values[tuple(nearest[:, mirrored[0], mirrored[1]])]
    return filled


def read_luma(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read luma in the file's values, (H, W) float32, and the pixels as stored.

    Raises
    ------
    ValueError
        If the file has bands.
    """
    colours, pixels = read_colours(path)
    return (colours[..., 0] if colours.shape[2] == 1 else colours @ LUMA.astype("f4")), pixels


def read_colours(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read gray or RGB in the file's values, (H, W, 1 or 3) float32, and the pixels as stored.

    Raises
    ------
    ValueError
        If the file has bands.
    """
    pixels, metadata = read_image(path)
    page = Page(pixels, metadata)
    if BAND in page.extra:
        raise ValueError(f"{path}: it has {pixels.shape[2]} bands; expected gray or RGB")
    return colours_of(page).astype(np.float32), pixels


def colours_of(page: Page) -> np.ndarray:
    """Return gray or RGB of a page, (H, W, 1 or 3): straight, hidden pixels like visible ones."""
    colours = np.atleast_3d(page.pixels)[..., : -len(page.extra) or None]
    alpha = alpha_channel(page)
    if alpha is not None:
        if ASSOCIATED in page.extra:
            colours, _ = straight(colours, alpha)
        if 0 < np.count_nonzero(alpha) < alpha.size:
            colours = fill_hidden(colours, alpha == 0)
    return colours
