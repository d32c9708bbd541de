"""Parts of a large image, in tiles or in strips: noise is looked for in them."""

from dataclasses import replace

import numpy as np

from raisr.jpeg import BLOCK
from raisr.validate import GrayImage
from raisr.value_range import look_at, sampled_places

__all__ = ["all_equal", "levelled", "montage", "sample_of", "strips_of", "tile_places"]

WHOLE = 1 << 24
"""Pixels, up to which all are looked at."""

_SIDE = 256
_TILES = 64
_STRIP = 128  # rows
_PIXELS = 1 << 20  # of all strips


def all_equal(one, other):
    """Return whether two planes are equal; where they are not, a few pixels nearly always tell."""
    return all(np.array_equal(one[some], other[some]) for some in (np.s_[::64, ::64], ...))


def tile_places(planes, height, width):
    """Return the tiles of a sample of equally large planes, as rows of ``(plane, y, x, h, w)``.

    Up to 2**24 pixels (4096 x 4096) these are the planes themselves; of more, 64 tiles of
    256 x 256 pixels, or as many of them as there are, spread evenly over rows, columns and planes;
    they begin and end where blocks of JPEG do, so that these are seen in what they make together.
    """
    if planes * height * width <= WHOLE:
        return [[(plane, 0, 0, height, width)] for plane in range(planes)]
    h, w = (min(_SIDE, side - side % BLOCK or side) for side in (height, width))
    columns = min(8, width // w)
    each = height // h
    rows = min(_TILES // columns, planes * each)
    slots = np.linspace(0, planes * each - 1, rows).round().astype(int).tolist()
    down, across = _starts(height - h, each), _starts(width - w, columns)
    return [[(s // each, down[s % each], x, h, w) for x in across] for s in slots]


def _starts(last, count):
    """Return where so many tiles begin, the first at 0 and none behind the last."""
    return (np.linspace(0, last, count).astype(int) // BLOCK * BLOCK).tolist()


def montage(places, read):
    """Return the tiles of a sample as one image, (H, W) or with more axes behind.

    ``read(plane, y, x, h, w)`` returns the pixels of a tile.
    """
    return np.concatenate(
        [np.concatenate([read(*place) for place in row], axis=1) for row in places]
    )


def sample_of(channels):
    """Return what noise is looked for in: channels, a list of GrayImage, or a sample of them."""
    places = tile_places(1, *channels[0].shape)
    if len(places) == len(places[0]) == 1:
        return channels

    def tiles_of(array):
        return montage(places, lambda _, y, x, h, w: array[y : y + h, x : x + w])

    return levelled([tiles_of(channel.array) for channel in channels], channels[0].factor)


def levelled(arrays, factor):
    """Return the channels of a sample, a list of GrayImage, with pedestals of its own."""
    found = []
    for array in arrays:
        pedestal, _ = look_at(array[sampled_places(array.shape)], factor)
        found.append(GrayImage(array, factor, pedestal))
    return found


def strips_of(channels):
    """Yield channels, a list of GrayImage, in strips of rows: at most about 2**20 pixels."""
    height, width = channels[0].shape
    count = max(1, min(-(-height // _STRIP), _PIXELS // (_STRIP * width)))
    if height <= _STRIP * count:
        yield channels
        return
    for start in np.linspace(0, height - _STRIP, count).round().astype(int):
        yield [replace(c, array=c.array[start : start + _STRIP]) for c in channels]
