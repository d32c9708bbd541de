"""Which files of a folder are images, and what else is in it."""

import os
from pathlib import Path
from typing import NamedTuple

from raisr.io.zarr_files import is_zarr

__all__ = ["SUFFIXES", "TIFF", "Survey", "list_images", "survey"]

TIFF = (".tif", ".tiff")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", *TIFF, ".webp")


class Survey(NamedTuple):
    """Names relative to a folder, sorted: images, and what is not read."""

    images: list[Path]
    others: list[Path]


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """List the image files below a folder, by suffix, in sorted order.

    Hidden files and folders are left out. Linked folders are followed, each folder once.

    Returns
    -------
    list of Path
        Relative to `folder`.

    Raises
    ------
    NotADirectoryError
        If `folder` is not a folder.
    """
    return survey(folder).images


def survey(top: str | os.PathLike[str]) -> Survey:
    """List the images below a folder, as `list_images`, and all else that is not hidden.

    What is not read are files with another suffix, zarrs, links to nothing, folders that may not be
    read, and links to a folder that is read already under another name.
    """
    root = Path(top)
    if not root.is_dir():
        raise NotADirectoryError(f"{root}: not a folder")
    images: list[Path] = []
    others: list[Path] = []
    seen = {_identity(root)}
    waiting = [root]
    links: list[Path] = []
    while waiting or links:
        if not waiting:  # a folder counts under its own name, not under that of a link to it
            link = links.pop(0)
            if _identity(link) in seen:
                others.append(link.relative_to(root))
                continue
            seen.add(_identity(link))
            waiting.append(link)
        folder = waiting.pop(0)
        try:
            paths = sorted(folder.iterdir())
        except PermissionError:
            if folder == root:
                raise
            others.append(folder.relative_to(root))
            continue
        for path in paths:
            if path.name.startswith("."):
                continue
            if is_zarr(path):
                others.append(path.relative_to(root))
            elif path.is_dir() and path.is_symlink():
                links.append(path)
            elif path.is_dir():
                seen.add(_identity(path))
                waiting.append(path)
            elif path.is_file() and path.suffix.lower() in SUFFIXES:
                images.append(path.relative_to(root))
            else:
                others.append(path.relative_to(root))
    return Survey(sorted(images), sorted(others))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
