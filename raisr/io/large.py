"""Files that need not fit in memory: pairs of arrays, one to read from and one to write to."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from raisr.files import alone
from raisr.io.folders import TIFF
from raisr.io.tiff_files import check_axes, open_tiff, tiff_targets
from raisr.io.tiff_stack import TiffSource
from raisr.io.zarr_files import ZarrSource, create_zarr, is_zarr, open_zarr, reopen_zarr
from raisr.journal import is_journal
from raisr.layout import axes_of, layout_of

__all__ = ["Files", "one_kind", "open_pairs"]

_ZARR = ".zarr"


@dataclass
class Files:
    """Open files.

    Attributes
    ----------
    pairs : list of (source, target, axes)
        Arrays and the names of their axes, or None.
    stamp : list
        By which the file that is read is known again.
    part, target : Path or None
        What is written, and what it is called when all is done.
    notes : list of str
        What was left out.
    """

    pairs: list[tuple[Any, Any, Sequence[str] | None]]
    stamp: list[Any]
    part: Path | None = None
    target: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path | None:
        """Where it is noted what is done."""
        return None if self.target is None else _beside(self.target, "journal")

    def finish(self) -> None:
        """Give the file its name."""
        if self.target is None or self.part is None:
            return
        _to_disk(self.part)
        if self.target.is_dir() or self.part.is_dir():  # no rename puts one in the place of another
            _remove(self.target)
        os.replace(self.part, self.target)
        _beside(self.target, "journal").unlink(missing_ok=True)


@contextmanager
def open_pairs(
    source: Any, target: Any, axes: Any, overwrite: bool, sparse: bool
) -> Iterator[Files]:
    """Open what is read and create what is written; either may be an array.

    Raises
    ------
    ValueError
        If the source is damaged or of a kind that is not supported, or the target another one.
    FileExistsError
        If the target is there already and may not be replaced, or if beside it, where a run keeps
        what it has done, there is something else.
    BlockingIOError
        If another run writes the target at this moment.
    OSError
        If there is no room for the target.
    """
    with ExitStack() as opened:
        found = _Source(source, axes, sparse, opened)
        if not isinstance(target, str | os.PathLike):
            if len(found.arrays) > 1:
                raise ValueError(f"{source}: it has {len(found.arrays)} images for one target")
            _check_array(target, found.arrays[0])
            yield Files([(found.arrays[0], target, found.axes[0])], found.stamp)
            return
        path = Path(target)
        _check_path(path, source, overwrite)
        make = _zarr_targets if path.suffix.lower() == _ZARR else tiff_targets
        path = path.resolve() if path.is_symlink() else path  # what it points to is replaced
        part, journal = _beside(path, "part"), _beside(path, "journal")
        killed = opened.enter_context(alone(path))
        goes_on = part.exists() and journal.exists()
        if not goes_on:
            _refuse_others(part, journal, killed)
            _remove(part)
            journal.unlink(missing_ok=True)
        try:
            targets = _targets(make, part, found, goes_on, sparse, opened)
            pairs = list(zip(found.arrays, targets, found.axes, strict=True))
            yield Files(pairs, found.stamp, part, path, found.notes)
        finally:
            if not journal.exists():  # nothing was begun, or all is done
                _remove(part)


class _Source:
    """Arrays of a file, or the one that was given."""

    def __init__(self, source: Any, axes: Any, sparse: bool, opened: ExitStack) -> None:
        self.file: tifffile.TiffFile | None = None
        self.like: ZarrSource | None = None
        self.stamp: list[Any] = []
        self.notes: list[str] = []
        self.series: list[Any] = []
        if not isinstance(source, str | os.PathLike):
            array = source if hasattr(source, "shape") else np.asarray(source)
            self.arrays, names = [array], [axes_of(array)]
        elif is_zarr(Path(source)):
            self.like = open_zarr(Path(source), sparse)
            self.arrays, names, self.notes = [self.like.array], [self.like.axes], self.like.notes
            self.stamp = [str(source)]
        else:
            status = os.stat(source)
            self.stamp = [str(source), status.st_size, status.st_mtime_ns]
            self.file, self.series = open_tiff(Path(source), opened)
            self.arrays = [TiffSource(series, str(source)) for series in self.series]
            names = [series.axes for series in self.series]
            for series in self.series if axes else ():
                check_axes(layout_of(series.shape, axes, "source").axes, series.axes)
            if any(series.is_pyramidal for series in self.series):
                self.notes.append("smaller versions of the picture were left out")
        self.axes = [axes or name for name in names]


def one_kind(path: Path) -> tuple[int, np.dtype | None]:
    """Return the bytes of the pixels of a file that can be read part by part, and their type.

    The type is None for other files, and where pictures of several types are in one.
    """
    if is_zarr(path):
        array = open_zarr(path, sparse=True).array
        return prod(array.shape) * array.dtype.itemsize, array.dtype
    try:
        with ExitStack() as opened:
            _, series = open_tiff(path, opened)
            dtypes = {one.dtype for one in series}
            size = sum(prod(one.shape) * one.dtype.itemsize for one in series)
            return size, dtypes.pop() if len(dtypes) == 1 else None
    except ValueError:
        return 0, None


def _check_path(path: Path, source: Any, overwrite: bool) -> None:
    if path.suffix.lower() not in (*TIFF, _ZARR):
        raise ValueError(f"{path}: the name must end in .tif, .tiff or .zarr")
    if path.exists():
        if isinstance(source, str | os.PathLike) and path.samefile(source):
            raise ValueError(f"{path}: source and target must differ")
        if not overwrite:
            raise FileExistsError(f"{path}: already there; overwrite replaces it")
        if path.is_dir() and not is_zarr(path):
            raise IsADirectoryError(f"{path}: a folder that is no zarr is not replaced")


def _refuse_others(part: Path, journal: Path, killed: bool) -> None:
    """Refuse files beside the target that no run left: they are not ours to remove."""
    for path, ours in ((part, killed), (journal, journal.is_file() and is_journal(journal))):
        if path.exists() and not ours:
            raise FileExistsError(f"{path}: not left by a run; rename or remove it")


def _check_array(target: Any, source: Any) -> None:
    shape, dtype = tuple(source.shape), np.dtype(source.dtype)
    got = getattr(target, "shape", None), getattr(target, "dtype", None)
    if got[0] != shape or np.dtype(got[1]).newbyteorder("=") != dtype.newbyteorder("="):
        raise ValueError(
            f"target must be {dtype} of shape {shape}, as source is, got {got[1]} of {got[0]}"
        )
    both = isinstance(source, np.ndarray) and isinstance(target, np.ndarray)
    if source is target or (both and np.may_share_memory(source, target)):
        raise ValueError("source and target must differ: results would be read as pixels")


def _targets(make, part, found, goes_on, sparse, opened):
    try:
        return make(part, found, goes_on, sparse, opened)
    except (LookupError, ValueError, TypeError, AttributeError, FileNotFoundError) as error:
        if not goes_on:
            raise
        raise ValueError(
            f"{part}: begun by another run, or damaged; remove it and its journal ({error})"
        ) from error


def _zarr_targets(part, found, goes_on, sparse, opened):
    if len(found.arrays) > 1:
        raise ValueError(f"a zarr holds one image, not {len(found.arrays)}; write a TIFF")
    layout = layout_of(found.arrays[0].shape, found.axes[0], "source")
    if goes_on:
        return [reopen_zarr(part, found.like.path if found.like else "", sparse)]
    return [create_zarr(part, layout, found.arrays[0], found.like, sparse)]


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    if path.is_file():
        descriptor = os.open(path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
