"""What JPEG did to a picture: its quality, and where its blocks begin."""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.colour import LUMA, luma_of
from raisr.validate import GRAY_LEVELS, as_channels

__all__ = [
    "BLOCK",
    "JpegTraces",
    "compress",
    "estimate_jpeg_quality",
    "find_blocks",
    "find_traces",
    "has_blocks",
    "quality_of_table",
]

BLOCK = 8
"""Side of a block, pixels."""

_LUMINANCE = np.fromstring(
    """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56
    14 17 22 29 51 87 80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92
    49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99""",
    sep=" ",
).reshape(BLOCK, BLOCK)
_QUALITIES = np.arange(1, 101)
_SAMPLED = 40  # blocks down and across that are looked at
_FEWEST = 2  # blocks down and across
_QUIET, _STANDS_OUT = 0.75, 0.02
_SEEN, _CHANCE = 0.02, 6.0  # standard deviations of one coefficient, and of the mean of all
_NEAR = 1.0  # gray levels: what rounding and clipping of pixels leave of a multiple
_STRAY = 0.05  # share of the others
_COUNTED, _CERTAIN = 50, 0.3


class JpegTraces(NamedTuple):
    """Quality of a picture that was a JPEG, and the row and column where a block begins."""

    quality: int
    row: int
    column: int


def _tables():
    scale = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
    tables = (_LUMINANCE * scale[:, None, None] + 50) // 100
    return tables.clip(1, 255)


def quality_of_table(table: ArrayLike) -> int:
    """Return the quality, 1 to 100, whose luma table in libjpeg is most like another.

    Parameters
    ----------
    table : (64,) array_like
        Steps of the quantisation of luma, row after row, as Pillow's ``image.quantization[0]``.
    """
    steps = np.maximum(np.asarray(table, np.float64), 1).reshape(BLOCK, BLOCK)
    distances = np.abs(np.log(_tables() / steps)).mean(axis=(1, 2))
    return int(_QUALITIES[distances.argmin()])


def compress(image: NDArray[np.uint8], quality: int, **options: Any) -> NDArray[np.uint8]:
    """Return what libjpeg, through Pillow, makes of an image, (H, W) or (H, W, 3).

    Parameters
    ----------
    quality : int
        1 to 100.
    **options
        Of Pillow's JPEG writer; colour is subsampled by 2 unless ``subsampling=0``.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, **options)
    return np.array(Image.open(buffer))


def estimate_jpeg_quality(
    image: ArrayLike, *, channel_axis: int | None = None, data_range: float | None = None
) -> int | None:
    """Estimate the quality of the JPEG that an image was, from its pixels.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64; not resized since.
    channel_axis : int, optional
        Axis of the channels of a colour image; of three, the luma (ITU-R BT.601) is looked at, of
        others the first.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats.

    Returns
    -------
    quality : int or None
        1 to 100, as libjpeg counts; None where the image is no JPEG, or of a quality above some
        95, or too small or too flat to tell.

    Raises
    ------
    TypeError, ValueError
        As `deblock`.

    Notes
    -----
    The coefficients of the cosine transform of the blocks of a JPEG are multiples of the steps of
    its table, but for the rounding of its pixels. The blocks may begin anywhere.

    Examples
    --------
    >>> from skimage import data
    >>> photo = data.camera()[:200, :200]
    >>> estimate_jpeg_quality(compress(photo, 30)), estimate_jpeg_quality(photo)
    (30, None)
    """
    channels = as_channels(image, channel_axis, data_range)
    planes = [channel.levelled().plane() for channel in channels]
    found = find_traces(planes if len(planes) == len(LUMA) else planes[:1])
    return None if found is None else found.quality


def find_traces(planes: Sequence[NDArray[np.float32]]) -> JpegTraces | None:
    """Return the traces of JPEG in planes of gray levels: red, green and blue, or one.

    None where there are none. Blocks with black or white pixels, which were clipped, do not count.
    """
    luma = luma_of(planes)
    if min(luma.shape) < (_FEWEST + 1) * BLOCK:
        return None
    row, column = find_blocks(luma)
    clipped = np.any([(plane <= 0) | (plane >= GRAY_LEVELS) for plane in planes], axis=0)
    whole = ~_blocks(clipped, row, column).any(axis=(1, 2))
    found = np.abs(_coefficients(luma, row, column)[whole])
    tables = _tables()
    turned = (*tables, *tables.swapaxes(1, 2))  # of a picture on its side
    likely, shares = zip(*(_evidence(found, table) for table in turned), strict=True)
    best = int(np.argmax(likely))
    quality = int(_QUALITIES[best % len(tables)])
    return JpegTraces(quality, row, column) if shares[best] > _CERTAIN else None


def find_blocks(plane: NDArray[np.float32]) -> tuple[int, int]:
    """Return the row and column where a block begins: where most coefficients are nearly zero.

    That is the corner, (0, 0), unless another place stands out.
    """
    if min(plane.shape) < (_FEWEST + 1) * BLOCK:
        return 0, 0
    shares, _ = _quiet_shares(plane)
    row, column = np.unravel_index(shares.argmax(), shares.shape)
    return (int(row), int(column)) if shares.max() > shares[0, 0] + _STANDS_OUT else (0, 0)


def has_blocks(planes: Sequence[NDArray[np.float32]]) -> bool:
    """Return whether blocks of JPEG are seen in planes: red, green and blue, or one.

    Of any quality: wherever they begin, more coefficients are nearly zero than elsewhere, by more
    than chance.
    """
    luma = luma_of(planes)
    if min(luma.shape) < (_FEWEST + 1) * BLOCK:
        return False
    shares, count = _quiet_shares(luma)
    second, first = np.sort(shares, axis=None)[-2:]
    return bool(first - second > (_SEEN + _CHANCE / count**0.5) * (first * (1 - first)) ** 0.5)


def _quiet_shares(plane):
    """Return how many coefficients are nearly zero, (8, 8), by where blocks begin; and of how many.

    The second is the least number of coefficients.
    """
    shares, count = np.empty((BLOCK, BLOCK)), plane.size
    for row, column in np.ndindex(*shares.shape):
        found = np.abs(_coefficients(plane, row, column))
        shares[row, column], count = (found < _QUIET).mean(), min(count, found.size)
    return shares, count


def _coefficients(plane, row, column):
    """Cosine transform of some blocks, (n, 8, 8) float32, gray being 0."""
    blocks = _blocks(plane, row, column) - np.float32(GRAY_LEVELS + 1) / 2
    return _COSINES @ blocks @ _COSINES.T


def _blocks(plane, row, column):
    """Return some blocks of a plane, (n, 8, 8)."""
    height, width = (
        (side - start) // BLOCK for side, start in zip(plane.shape, (row, column), strict=True)
    )
    blocks = plane[row : row + height * BLOCK, column : column + width * BLOCK]
    blocks = blocks.reshape(height, BLOCK, width, BLOCK).swapaxes(1, 2)
    steps = (-(-count // _SAMPLED) for count in (height, width))
    some = blocks[tuple(slice(None, None, step) for step in steps)]
    return some.reshape(-1, BLOCK, BLOCK)


def _cosines():
    places = np.pi * (np.arange(BLOCK) + 0.5) / BLOCK
    rows = np.cos(np.arange(BLOCK)[:, None] * places) * (2 / BLOCK) ** 0.5
    rows[0] /= 2**0.5
    return rows.astype(np.float32)


_COSINES = _cosines()


def _evidence(found, table):
    """How likely coefficients are multiples of their steps, and how many are beyond chance.

    The first is the logarithm of a likelihood, relative to that of any value; the second is 1
    where all are. Those near zero tell nothing, nor do steps that are too fine.
    """
    chance = 2 * _NEAR / table
    counted = (found > 2 * _NEAR) & (chance < 0.5)
    if counted.sum() < _COUNTED:
        return -np.inf, 0.0
    steps = table.astype(np.float32)
    near = counted & (np.abs(found - steps * np.rint(found / steps)) < _NEAR)
    hit, miss = np.log((1 - _STRAY) / chance), np.log(_STRAY / np.maximum(1 - chance, 0.5))
    hits, all_counted = near.sum(axis=0), counted.sum(axis=0)
    likely = (hit * hits + miss * (all_counted - hits)).sum()
    expected = (chance * all_counted).sum()
    return float(likely), float((hits.sum() - expected) / (all_counted.sum() - expected))
