"""What every command checks before it works, and how it says what went wrong."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import raisr
from raisr.io.zarr_files import is_zarr

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank

__all__ = ["check_target", "check_writable", "describe", "load_bank"]


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
