"""`denoise_stream`: images larger than memory, tile by tile, with the bits of the whole."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from raisr import __version__
from raisr.colour_bank import ColourBank
from raisr.denoising import check_task
from raisr.filtering import FilterBank
from raisr.io.large import open_pairs
from raisr.journal import Journal
from raisr.layout import Layout, layout_of
from raisr.plane_steps import Tile, run_step, steps_of
from raisr.planes import Planes, forget
from raisr.stabilisation import PhotonNoise
from raisr.steps import Step
from raisr.validate import check_threads

__all__ = ["Streamed", "denoise_stream"]

_SIDE = 2048


class Streamed(NamedTuple):
    """What `denoise_stream` did.

    Attributes
    ----------
    steps : list of dict
        For each part with noise of its own what was done: JSON-able, levels in gray levels of 255.
    notes : list of str
        What was left out, such as smaller versions of a picture.
    """

    steps: list[dict[str, Any]]
    notes: list[str]


def denoise_stream(
    source: Any,
    target: Any,
    sigma: float | Sequence[float] | None = None,
    *,
    model: str | FilterBank | ColourBank = "fast",
    noise: str | PhotonNoise | None = None,
    axes: str | Sequence[str] | None = None,
    data_range: float | None = None,
    journal: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    sparse: bool = False,
    num_threads: int | None = None,
    progress: bool = False,
) -> Streamed:
    """Denoise an image or a stack of images that need not fit in memory.

    Every plane becomes what `denoise` makes of it, to the last bit, in tiles of about 2048 x 2048
    pixels, fewer of colours, that are read with as much around them as their result depends on.

    Parameters
    ----------
    source : path-like or array
        A TIFF file (BigTIFF, tiled or not) or a zarr, or whatever has a shape, a dtype and
        slices: arrays of NumPy, memory-mapped ones, of zarr, h5py or dask. Types as for `denoise`.
    target : path-like or array
        A name that ends in .tif, .tiff or .zarr; or an array of the shape and dtype of `source`
        whose slices can be assigned to.
    sigma, model, noise, data_range, num_threads
        As for `denoise`.
    axes : str, optional
        A letter for each axis of `source`: Y and X are rows and columns; S the samples of a
        pixel, denoised together as along `channel_axis`; along C each channel has noise of its
        own; T, Z and all others count planes that share theirs. Default: what the file or array
        says (of zarr, OME and xarray too), and YX for two axes. For colours along an axis that
        is called C, pass S in its place.
    journal : path-like, optional
        File that notes which tiles are done: the same call goes on after an interruption. Where
        `target` is a path, there is one beside it, until all is done.
    overwrite : bool
        Replace a file `target` that is there already.
    sparse : bool
        Chunks that are missing from a zarr hold its fill value; without, they are an error.
    progress : bool
        Show a bar, on a terminal.

    Returns
    -------
    Streamed
        What was done, and what was left out.

    Raises
    ------
    TypeError, ValueError
        As `denoise`; for axes that nothing names, a target of another shape or type, a journal
        of another run, and what cannot be read, with its place. Tiles that were done stay.
    OSError
        As on a full disk. Tiles that were done stay.
    FileExistsError
        If the file `target` is there already, or a ``target.part``, ``target.journal`` or
        ``target.lock`` that no run left.

    Notes
    -----
    Without a sigma, noise is found once for all planes that share it: in all pixels up to 2**24,
    and in 64 tiles of 256 x 256, spread evenly, of more. `denoise` looks at the same ones. A
    plane with values far from [0, white] is moved as by `denoise`. Whether three channels are
    equal everywhere, so that they are one gray image, is looked for before, up to the first
    difference.

    Memory: one tile, some forty bytes a pixel and channel with "best", and what `source` holds.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr import denoise
    >>> image = np.random.default_rng(0).normal(0.5, 0.1, (300, 200))
    >>> out = np.empty_like(image)
    >>> told = denoise_stream(image, out, sigma=0.1)
    >>> bool((out == denoise(image, sigma=0.1)).all())
    True
    """
    told, threads = check_task(model, sigma, noise), check_threads(num_threads)
    if journal is not None and isinstance(target, str | os.PathLike):
        raise ValueError("journal is for arrays: a file that is written has one beside it")
    with ExitStack() as opened:
        files = opened.enter_context(open_pairs(source, target, axes, overwrite, sparse))
        works = [
            _Work.of(str(index), *pair, data_range, (model, told, noise))
            for index, pair in enumerate(files.pairs)
        ]
        arrays = [work.about() for work in works]
        run = {"raisr": __version__, "source": files.stamp, "arrays": arrays}
        with Journal(journal or files.journal, run) as noted:
            try:
                _do(works, noted, threads, progress)
            except OSError as error:  # zarr's do not say where
                if error.filename is None and error.errno is not None and files.part:
                    raise OSError(error.errno, error.strerror, str(files.part)) from error
                raise
        files.finish()
    return Streamed([step.about for work in works for step in work.steps], files.notes)


class _Work(NamedTuple):
    """An array on its way: what is done to each group of its planes."""

    name: str
    planes: Planes
    target: Any
    sides: tuple[int, int]
    steps: list[Step]

    @classmethod
    def of(cls, name, source, target, axes, data_range, task):
        layout = layout_of(source.shape, axes, "source")
        noiseless = task[1] is not None and not any(task[1])
        planes = Planes(source, layout, data_range, white_matters=not noiseless)
        sides = _sides(layout, getattr(target, "chunks", None))
        work = cls(name, planes, target, sides, [])
        work.steps.extend(steps_of(planes, work.tiles(), *task))
        return work

    def tiles(self) -> list[Tile]:
        height, width = self.planes.layout.size
        down, across = (_spans(*ends) for ends in zip((height, width), self.sides, strict=True))
        return [(rows, columns) for rows in down for columns in across]

    def parts(self) -> Iterator[tuple[str, Step, tuple[int, ...], Tile]]:
        """Yield all that is to be done, each with a name of its own."""
        for step, group in zip(self.steps, self.planes.layout.groups(), strict=True):
            for plane in group:
                for tile in self.tiles():
                    place = (*plane, tile[0].start, tile[1].start)
                    yield f"{self.name}: {','.join(map(str, place))}", step, plane, tile

    def about(self) -> dict[str, Any]:
        """Return what tells this work apart, as JSON-able values."""
        layout = self.planes.layout
        return {
            "shape": list(layout.shape),
            "axes": layout.axes,
            "dtype": self.planes.dtype.name,
            "white": self.planes.white,
            "tile": list(self.sides),
            "steps": [step.about for step in self.steps],
        }

    def do(self, step: Step, plane: tuple[int, ...], tile: Tile, threads: int) -> None:
        """Read a tile with its surroundings, filter it, write it."""
        layout = self.planes.layout
        wide = [_widened(span, step, side) for span, side in zip(tile, layout.size, strict=True)]
        channels = self.planes.part(plane, *wide)
        inner = tuple(
            slice(span.start - around.start, span.stop - around.start)
            for span, around in zip(tile, wide, strict=True)
        )
        out = run_step(step, channels, layout, self.planes.white, threads, inner)
        self.target[layout.index(plane, *tile)] = out
        forget(self.target)


def _do(works: list[_Work], journal: Journal, threads: int, progress: bool) -> None:
    from tqdm import tqdm

    every = [(work, part) for work in works for part in work.parts()]
    left = [(work, part) for work, part in every if part[0] not in journal.done]
    bar = tqdm(
        total=len(every),
        initial=len(every) - len(left),
        unit="tile",
        disable=None if progress else True,
    )
    try:
        with bar:
            for work, (name, step, plane, tile) in left:
                work.do(step, plane, tile, threads)
                journal.add(name)
                bar.update()
    except KeyboardInterrupt:
        done = f"{len(journal.done)} of {len(every)} tiles are done"
        raise KeyboardInterrupt(
            f"{done}; the same command goes on" if journal.path else done
        ) from None


def _sides(layout: Layout, chunks: Any) -> tuple[int, int]:
    """Return the sides of tiles: whole chunks of the target, if it has any."""
    known = isinstance(chunks, tuple) and len(chunks) == len(layout.axes)
    units = [
        min(_first(chunks[layout.axes.index(axis)]), side) if known else 1
        for axis, side in zip("YX", layout.size, strict=True)
    ]
    across = units[1] * max(1, _SIDE // units[1])
    # Fewer rows where chunks are wide, or samples many.
    rows = _SIDE**2 // (across * (layout.samples or 1))
    rows = min(_SIDE, max(_SIDE // 8, rows))
    return units[0] * max(1, rows // units[0]), across


def _first(chunk: Any) -> int:
    """Return the side of chunks; dask tells that of each one."""
    return int(chunk[0] if isinstance(chunk, tuple) else chunk)


def _spans(length: int, side: int) -> list[slice]:
    return [slice(start, min(start + side, length)) for start in range(0, length, side)]


def _widened(span: slice, step: Step, length: int) -> slice:
    """Return a span with what its result depends on, from one multiple of a period to another."""
    first = max(0, span.start - step.reach) // step.period
    last = -(-(span.stop + step.reach) // step.period)
    return slice(first * step.period, min(length, last * step.period))
