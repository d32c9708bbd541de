"""Running a network over an image of any size in bounded memory."""

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import cast

import torch
from torch import Tensor

STRIDE = 8
"""Tiles start at multiples of it, so that networks with strides see the whole image's grid."""


def run_in_tiles(
    network: Callable[..., Tensor], reach: int | None, tile: int, image: Tensor, *maps: Tensor
) -> Tensor:
    """Return ``network(image, *maps)``, computed tile by tile.

    Parameters
    ----------
    network : callable
        Takes (B, C, h, w) and maps (B, h, w); returns (B, ..., h, w).
    reach : int or None
        An output pixel depends on no input further away than this, in pixels; None: it may
        depend on all of them, and the image is one tile.
    tile : int
        Side of the tiles without their margin, in pixels.
    image : (B, C, H, W) tensor
    maps : (B, H, W) tensors

    Returns
    -------
    tensor
        The same as for the whole image, to the bit where the network is `hybrid.exact`: at
        the margin of a tile lies what lies there in the image, and the zeros beyond the image are
        met only where the image ends.

    Raises
    ------
    ValueError
        If `tile` is not a positive whole number.
    """
    check_tile(tile)
    if reach is None:
        return network(image, *maps)
    height, width = image.shape[-2:]
    tile = max(STRIDE, int(tile) // STRIDE * STRIDE)
    margin = reach + -reach % STRIDE
    out: Tensor | None = None
    for rows, outer_rows, inner_rows in _parts(height, tile, margin):
        for columns, outer_columns, inner_columns in _parts(width, tile, margin):
            outer = (..., outer_rows, outer_columns)
            part = network(image[outer], *(map_[outer] for map_ in maps))
            if out is None:
                out = torch.empty(*part.shape[:-2], height, width, dtype=part.dtype)
            out[..., rows, columns] = part[..., inner_rows, inner_columns]
    return cast(Tensor, out)


def check_tile(tile: int | None) -> None:
    """Refuse what is no side of a tile; None stands for a default."""
    if tile is not None and (not isinstance(tile, Integral) or tile < 1):
        raise ValueError(f"tile must be a positive whole number, got {tile!r}")


def _parts(length: int, tile: int, margin: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield where a tile lies, where it lies with its margin, and where in that it lies."""
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        first, last = max(start - margin, 0), min(stop + margin, length)
        yield slice(start, stop), slice(first, last), slice(start - first, stop - first)
