"""Image files: PNG, JPEG, BMP, TIFF and WebP, without loss of depth, written atomically."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from raisr.files import write_atomically
from raisr.io import eight_bit, tiff
from raisr.io.folders import SUFFIXES, TIFF, list_images
from raisr.io.formats import check_format, check_page, kind_of
from raisr.io.picture import Page, Picture

__all__ = [
    "SUFFIXES",
    "Page",
    "Picture",
    "check_format",
    "check_page",
    "decode_picture",
    "encode_picture",
    "list_images",
    "read_image",
    "read_picture",
    "write_image",
    "write_picture",
]


def read_image(path: str | os.PathLike[str]) -> tuple[np.ndarray, dict[str, Any]]:
    """Read an image file of one page; its content tells the format, not its name.

    Parameters
    ----------
    path : path-like
        PNG (1 to 16 bit), JPEG, BMP, WebP, or a TIFF of one page (integers of 1 to 32 bits,
        floats); a TIFF with LZW, ZSTD and other rarer compressions needs the extra ``files``.

    Returns
    -------
    pixels : ndarray
        Unsigned or signed integers of 8, 16 or 32 bits, or floats, as stored. Shape (H, W), or
        (H, W, C): gray or RGB, then the extra channels: alpha where C is 2 or 4, bands where it is
        above 4, unless ``metadata["extra"]`` says otherwise. Turned upright; palettes become
        colours, CMYK becomes sRGB, and samples of fewer than 8 or 16 bits are scaled to these.
    metadata : dict
        For `write_image`, where the file has them: ``icc_profile``, ``exif`` and ``xmp`` (bytes),
        ``dpi``, and what only files of the same format hold; ``jpeg_quality``, 1 to 100, of a
        JPEG, which is not written; ``extra``, a tuple of "alpha",
        "associated alpha" or "band", where the channels are not the usual ones.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is damaged, truncated, no image, of several pages, or of a kind that is not
        supported.
    """
    pages = read_picture(path).pages
    if len(pages) != 1:
        raise ValueError(f"{path}: it has {len(pages)} pages, expected one")
    return pages[0].pixels, pages[0].metadata


def write_image(
    path: str | os.PathLike[str], pixels: np.ndarray, metadata: dict[str, Any] | None = None
) -> None:
    """Write an image file, whole or not at all; its suffix tells the format.

    Parameters
    ----------
    path : path-like
        Name that ends in .png, .tif, .tiff, .jpg, .jpeg, .bmp or .webp. JPEG is written at quality
        95 without colour subsampling, the others without loss.
    pixels : ndarray
        uint8 for every format, uint16 for PNG and TIFF, the other types of `read_image` for TIFF.
        Shape as `read_image` returns it; alpha only for PNG, WebP and TIFF, bands and associated
        alpha only for TIFF.
    metadata : dict, optional
        As `read_image` returns it.

    Raises
    ------
    OSError
        If the file cannot be written; then no part of it is left.
    ValueError
        If the format cannot hold the pixels.
    """
    write_picture(path, [Page(np.asarray(pixels), metadata or {})])


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a file of any number of pages, each as `read_image` would; raises the same."""
    return decode_picture(Path(path).read_bytes(), path)


def write_picture(path: str | os.PathLike[str], pages: list[Page]) -> None:
    """Write an image file of one or, as a TIFF, several pages; see `write_image`."""
    write_atomically(path, encode_picture(path, pages))


def decode_picture(data: bytes, name: str | os.PathLike[str]) -> Picture:
    """Decode the content of an image file; `name` is what errors call it."""
    kind = kind_of(data)
    if kind:
        raise ValueError(f"{name}: {kind} is not supported; convert it to PNG or TIFF first")
    try:
        return tiff.decode(data) if data.startswith(tiff.MAGIC) else eight_bit.decode(data)
    except Image.UnidentifiedImageError:
        raise ValueError(f"{name}: not a readable PNG, JPEG, BMP, TIFF or WebP file") from None
    except Exception as error:  # the decoders raise a dozen kinds for damaged data
        raise ValueError(f"{name}: cannot be read: {error}") from error


def encode_picture(path: str | os.PathLike[str], pages: list[Page]) -> bytes:
    """Encode pages in the format that `path` names."""
    suffix = Path(path).suffix.lower()
    if len(pages) != 1 and suffix not in TIFF:
        raise ValueError(f"{path}: a {suffix} file holds one page, not {len(pages)}; use .tif")
    checked = [check_page(path, page) for page in pages]
    suffix = ".jpg" if suffix == ".jpeg" else suffix
    try:
        if suffix in TIFF:
            return tiff.encode(checked)
        return eight_bit.encode(checked[0].pixels, suffix, checked[0].metadata)
    except (OSError, ValueError, TypeError, struct.error) as error:  # too large for the format
        raise ValueError(f"{path}: cannot be written as {suffix}: {error}") from error
