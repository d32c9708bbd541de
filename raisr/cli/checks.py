"""What every command checks before it works, and how it says what went wrong."""

from __future__ import annotations

import contextlib
import os
import warnings
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import raisr
from raisr.io.zarr_files import is_zarr

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank

__all__ = ["check_target", "check_writable", "describe", "load_bank", "named", "white_fits"]


def check_target(target: Path, arguments: Namespace) -> None:
    """Refuse an output file that cannot be written, or that is there already."""
    if target.is_dir() and not is_zarr(target):
        raise IsADirectoryError(f"{target}: a folder, not a file")
    if target.exists() and not arguments.overwrite:
        raise FileExistsError(f"{target}: already there; pass --overwrite to replace it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder")
    check_writable(target.parent)


def check_writable(folder: Path) -> None:
    """Refuse a folder without permission to write."""
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder}: no permission to write in this folder")


@contextlib.contextmanager
def white_fits(white: float) -> Iterator[None]:
    """Refuse pictures whose values do not fit the value of white that they are worked on with."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".* has values", UserWarning)
        try:
            yield
        except UserWarning:
            raise ValueError(
                f"it has values far from black and white; white is taken to be {white:g}: "
                "see --white"
            ) from None


@contextlib.contextmanager
def named(*files: Path) -> Iterator[None]:
    """Put the name of the first file before errors that begin with none of the names."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if str(error).startswith(tuple(map(str, files))):
            raise
        raise ValueError(f"{files[0]}: {error}") from error


def describe(error: BaseException) -> str:
    """Say what went wrong in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


def load_bank(path: Path) -> FilterBank | ColourBank:
    """Read a bank of gray or of colour filters.

    Raises
    ------
    ValueError
        If the file is neither.
    """
    try:
        return raisr.FilterBank.load(path)
    except ValueError as error:
        try:
            return raisr.ColourBank.load(path)
        except ValueError:
            raise error from None
