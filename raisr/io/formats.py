"""What each format can hold, and the names of those that are not read."""

import os
from pathlib import Path

import numpy as np

from raisr.io.folders import SUFFIXES, TIFF
from raisr.io.picture import ALPHA, Page

__all__ = ["check_format", "check_page", "kind_of"]

_WITHOUT_ALPHA = (".jpg", ".jpeg", ".bmp")
_TIFF_KINDS = {"u": 4, "i": 4, "f": 8}  # kind of dtype: most bytes a sample
_SIGNATURES = {
    b"GIF8": "GIF",
    b"8BPS": "a Photoshop file",
    b"%PDF": "PDF",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"SIMPLE  =": "FITS",
    b"\x93NUMPY": "a NumPy array",
    b"<svg": "SVG",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"}  # of ISO media files
_BRANDS |= dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "HEIF")


def kind_of(data: bytes) -> str:
    """Return the name of a known format that is not read, else an empty string."""
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "")
    if data[128:132] == b"DICM":
        return "DICOM"
    return next((name for head, name in _SIGNATURES.items() if data.startswith(head)), "")


def check_format(
    path: str | os.PathLike[str],
    dtype: np.dtype,
    channels: int,
    extra: tuple[str, ...] | None = None,
) -> None:
    """Raise ValueError if the format that `path` names cannot hold such pixels.

    `extra` says what the channels beyond gray or RGB are; by default alpha, if there are 2 or 4.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: the name must end in one of {', '.join(SUFFIXES)}")
    if extra is None:
        extra = (ALPHA,) if channels in (2, 4) else ()
    if suffix in TIFF:
        suitable = np.dtype(dtype).itemsize <= _TIFF_KINDS.get(np.dtype(dtype).kind, 0)
    else:
        suitable = dtype == np.uint8 or (dtype == np.uint16 and suffix == ".png")
    if not suitable:
        advice = "; use .tif" if suffix not in TIFF else ""
        raise ValueError(f"{path}: a {suffix} file cannot hold {dtype} pixels{advice}")
    if suffix in TIFF:
        return
    if channels not in (1, 2, 3, 4):
        raise ValueError(f"{path}: an image has 1 to 4 channels, not {channels}; use .tif")
    foreign = [name for name in extra if name != ALPHA]
    if foreign:
        raise ValueError(f"{path}: a {suffix} file cannot hold {foreign[0]} channels; use .tif")
    if extra and suffix in _WITHOUT_ALPHA:
        raise ValueError(f"{path}: a {suffix} file cannot hold an alpha channel; use .png")


def check_page(path: str | os.PathLike[str], page: Page) -> Page:
    """Return the page as it is written, (H, W) if it has one channel; raise as `check_format`."""
    pixels, metadata = page
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ValueError(f"{path}: expected pixels (H, W) or (H, W, C), got {pixels.shape}")
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    check_format(path, pixels.dtype, channels, page.extra)
    return Page(pixels.reshape(pixels.shape[:2]) if channels == 1 else pixels, metadata)
