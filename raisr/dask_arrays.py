"""`denoise_dask`: dask arrays, chunk by chunk on any scheduler, with the bits of the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from raisr.colour_bank import ColourBank
from raisr.denoising import check_task
from raisr.filtering import FilterBank
from raisr.layout import axes_of, layout_of
from raisr.plane_steps import run_step, steps_of
from raisr.planes import Planes
from raisr.stabilisation import PhotonNoise
from raisr.steps import Step

if TYPE_CHECKING:
    from dask.array import Array

__all__ = ["denoise_dask"]


def denoise_dask(
    array: Array,
    sigma: float | Sequence[float] | None = None,
    *,
    model: str | FilterBank | ColourBank = "fast",
    noise: str | PhotonNoise | None = None,
    axes: str | Sequence[str] | None = None,
    data_range: float | None = None,
) -> Array:
    """Denoise a dask array; every plane becomes what `denoise` makes of it, to the last bit.

    What is done is decided now, so that all chunks share it; the work is done chunk by chunk when
    the result is computed, with `dask.array.map_overlap`, by a thread for each chunk.

    Parameters
    ----------
    array : dask.array.Array
        Types as for `denoise`; chunks of any sizes.
    sigma, model, noise, data_range
        As for `denoise`.
    axes : str, optional
        A letter for each axis, as for `denoise_stream`; default: YX for two axes.

    Returns
    -------
    dask.array.Array
        Of the shape, type and chunks of `array`.

    Raises
    ------
    ModuleNotFoundError
        Without dask.
    TypeError, ValueError
        As `denoise_stream`; or if the sizes of chunks are not known. NaN and infinity raise when
        their chunk is computed.

    Notes
    -----
    Computed at once are: what noise, or few values, are looked for in (all pixels up to 2**24, else
    64 tiles of 256 x 256); sixteen rows of each plane of floats; and what `denoise_stream` looks
    for in all pixels. An array that is costly to compute is better persisted before. Chunks that
    are smaller than what a result depends on are joined; planes are computed one by one.

    Examples
    --------
    >>> import dask.array
    >>> from raisr import denoise
    >>> image = dask.array.random.default_rng(0).normal(0.5, 0.1, (300, 200), chunks=(77, 60))
    >>> image = image.persist()
    >>> denoised = denoise_dask(image)
    >>> bool((denoised.compute() == denoise(image.compute())).all())
    True
    """
    import dask
    from dask.array import Array, map_overlap

    told = check_task(model, sigma, noise)
    if not isinstance(array, Array):
        raise TypeError(f"array must be a dask array, got {type(array).__name__}")
    if any(map(math.isnan, array.shape)):
        raise ValueError("the sizes of the chunks are not known: see array.compute_chunk_sizes()")
    layout = layout_of(array.shape, axes or axes_of(array), "array")
    noiseless = told is not None and not any(told)
    planes = Planes(array, layout, data_range, white_matters=not noiseless)
    rows, columns = (array.chunks[layout.axes.index(axis)] for axis in "YX")
    tiles = [(down, across) for down in _spans(rows) for across in _spans(columns)]
    steps = steps_of(planes, tiles, model, told, noise)
    period = math.lcm(*(step.period for step in steps))
    depth = -(-max(step.reach for step in steps) // period) * period
    chunks, depths = _chunks(array, layout, period, depth)
    corners = [[span.start for span in _spans(sides)] for sides in chunks]
    work = _Work(planes.known(), steps, corners, depths)
    denoised = map_overlap(
        _denoised,
        array.rechunk(chunks),
        depth=depths,
        boundary="none",
        allow_rechunk=False,
        meta=np.empty((0,) * array.ndim, planes.dtype),
        work=dask.delayed(work, traverse=False),  # it travels to a worker once
    )
    return denoised.rechunk(array.chunks)


class _Work(NamedTuple):
    """What is done to all chunks.

    Attributes
    ----------
    planes : Planes
        Without the pixels.
    steps : list of Step
        For each group of planes.
    corners : list of list of int
        Along each axis, where chunks begin.
    depths : tuple of int
        Along each axis, how much of its neighbours a chunk comes with.
    """

    planes: Planes
    steps: list[Step]
    corners: list[list[int]]
    depths: tuple[int, ...]


def _denoised(chunk: np.ndarray, work: _Work, block_id: tuple[int, ...]) -> np.ndarray:
    """Denoise a chunk of one plane, which comes with its surroundings."""
    planes, layout = work.planes, work.planes.layout
    ends = zip(work.corners, block_id, work.depths, strict=True)
    corner = [max(0, starts[number] - depth) for starts, number, depth in ends]
    plane = tuple(corner[place] for place in layout.stacked)
    row, column = (corner[layout.axes.index(axis)] for axis in "YX")
    channels = planes.images(chunk.squeeze(tuple(layout.stacked)), plane, row, column)
    out = run_step(work.steps[layout.channel(plane)], channels, layout, planes.white, 1)
    return out.reshape(chunk.shape)


def _chunks(
    array: Any, layout: Any, period: int, depth: int
) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Return chunks of one plane each, which begin at multiples of a period, and their depths."""
    chunks, depths = [], []
    for axis, length, sides in zip(layout.axes, array.shape, array.chunks, strict=True):
        if axis in "YX":
            side = -(-max(*sides, depth) // period) * period
            count = max(1, length // side + (length % side >= max(depth, 1)))
            found = (*[side] * (count - 1), length - side * (count - 1))
        else:
            found = (length,) if axis == "S" else (1,) * length
        chunks.append(found)
        depths.append(depth if axis in "YX" and len(found) > 1 else 0)
    return tuple(chunks), tuple(depths)


def _spans(sides: Sequence[int]) -> list[slice]:
    stops = np.cumsum(sides).tolist()
    return [slice(stop - side, stop) for stop, side in zip(stops, sides, strict=True)]
