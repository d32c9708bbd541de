"""Image files: PNG, JPEG, BMP and TIFF, read without loss of depth and written atomically."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageOps

from raisr import _png16
from raisr.files import write_atomically

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TIFF_PHOTOMETRICS = (
    tifffile.PHOTOMETRIC.MINISBLACK,
    tifffile.PHOTOMETRIC.MINISWHITE,
    tifffile.PHOTOMETRIC.RGB,
)
# tifffile alone does not decode these; Pillow does, but only to 8 bits
_PILLOW_COMPRESSIONS = (tifffile.COMPRESSION.LZW, tifffile.COMPRESSION.JPEG)
_PILLOW_MODES = {"1": "L", "P": "RGB", "PA": "RGBA"} | {m: m for m in ("L", "LA", "RGB", "RGBA")}
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}
_METADATA = ("icc_profile", "exif", "dpi")


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """List the image files below a folder, by suffix, in sorted order.

    Hidden files and folders are left out.

    Returns
    -------
    list of Path
        Relative to `folder`.

    Raises
    ------
    NotADirectoryError
        If `folder` is not a folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: not a folder")
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        name
        for name in names
        if name.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in name.parts)
    )


def read_image(path: str | os.PathLike[str]) -> tuple[np.ndarray, dict]:
    """Read an image file; its content tells the format, not its name.

    Parameters
    ----------
    path : path-like
        PNG (8 or 16 bit), JPEG, BMP, or a TIFF of one page (8 or 16 bit, float).

    Returns
    -------
    pixels : ndarray
        uint8, uint16 or float, as stored. Shape (H, W), or (H, W, C) with C = 2 (gray and alpha),
        3 (RGB) or 4 (RGB and alpha). Palettes are turned into colours and pictures upright.
    metadata : dict
        Colour profile, EXIF block and resolution where the file has them, for `write_image`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is damaged, truncated, no image, or of a kind that is not supported.
    """
    data = Path(path).read_bytes()
    try:
        return _decode(data)
    except Image.UnidentifiedImageError:
        raise ValueError(f"{path}: not a readable PNG, JPEG, BMP or TIFF file") from None
    except Exception as error:  # the decoders raise a dozen kinds for damaged data
        raise ValueError(f"{path}: cannot be read: {error}") from error


def write_image(
    path: str | os.PathLike[str], pixels: np.ndarray, metadata: dict | None = None
) -> None:
    """Write an image file, whole or not at all; its suffix tells the format.

    Parameters
    ----------
    path : path-like
        Name that ends in .png, .tif, .tiff, .jpg, .jpeg or .bmp. JPEG is written at quality 95
        without colour subsampling, the others without loss.
    pixels : ndarray
        uint8 for every format, uint16 for PNG and TIFF, float for TIFF. Shape as `read_image`
        returns it; alpha only for PNG and TIFF.
    metadata : dict, optional
        As `read_image` returns it.

    Raises
    ------
    OSError
        If the file cannot be written; then no part of it is left.
    ValueError
        If the format cannot hold the pixels.
    """
    data = _encode(path, np.asarray(pixels), metadata or {})
    write_atomically(path, data)


def check_format(path: str | os.PathLike[str], dtype: np.dtype, channels: int) -> None:
    """Raise ValueError if the format that `path` names cannot hold such pixels."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: the name must end in one of {', '.join(SUFFIXES)}")
    if channels not in (1, 2, 3, 4):
        raise ValueError(f"{path}: an image has 1 to 4 channels, not {channels}")
    if suffix in (".tif", ".tiff"):
        suitable = dtype.kind == "f" or dtype in (np.uint8, np.uint16)
    else:
        suitable = dtype == np.uint8 or (dtype == np.uint16 and suffix == ".png")
    if not suitable:
        raise ValueError(f"{path}: a {suffix} file cannot hold {dtype} pixels; use .tif")
    if channels in (2, 4) and suffix in (".jpg", ".jpeg", ".bmp"):
        raise ValueError(f"{path}: a {suffix} file cannot hold an alpha channel; use .png")


def _encode(path: str | os.PathLike[str], pixels: np.ndarray, metadata: dict) -> bytes:
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ValueError(f"{path}: expected pixels (H, W) or (H, W, C), got {pixels.shape}")
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    check_format(path, pixels.dtype, channels)
    if channels == 1:
        pixels = pixels.reshape(pixels.shape[:2])
    suffix = Path(path).suffix.lower()
    target = io.BytesIO()
    if suffix in (".tif", ".tiff"):
        tifffile.imwrite(
            target,
            pixels,
            photometric="rgb" if channels >= 3 else "minisblack",
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            iccprofile=metadata.get("icc_profile"),
            metadata=None,
        )
    elif pixels.dtype == np.uint16:
        return _png16.encode(pixels, metadata)
    elif suffix == ".png":
        Image.fromarray(pixels).save(target, "PNG", **metadata)
    elif suffix == ".bmp":
        Image.fromarray(pixels).save(target, "BMP", **metadata)
    else:
        Image.fromarray(pixels).save(target, "JPEG", quality=95, subsampling=0, **metadata)
    return target.getvalue()


def _decode(data: bytes) -> tuple[np.ndarray, dict]:
    if data.startswith(_TIFF_MAGIC):
        return _decode_tiff(data)
    if _png16.is_png16(data):
        return _png16.decode(data), _metadata(_open_pillow(data))
    return _decode_pillow(data)


def _decode_pillow(data: bytes) -> tuple[np.ndarray, dict]:
    image = ImageOps.exif_transpose(_open_pillow(data))
    mode = _PILLOW_MODES.get(image.mode)
    if mode is None:
        raise ValueError(f"{image.mode} pixels are not supported; convert to gray or RGB first")
    if image.has_transparency_data:
        mode = _WITH_ALPHA.get(mode, mode)
    return np.array(image.convert(mode)), _metadata(image)


def _open_pillow(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "BMP", "TIFF"])


def _metadata(image: Image.Image) -> dict:
    return {key: image.info[key] for key in _METADATA if key in image.info}


def _decode_tiff(data: bytes) -> tuple[np.ndarray, dict]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        if len(file.pages) != 1:
            raise ValueError(f"a TIFF of {len(file.pages)} pages; expected one")
        page = file.pages.first
        if page.compression in _PILLOW_COMPRESSIONS and page.bitspersample == 8:
            return _decode_pillow(data)
        if page.axes not in ("YX", "YXS", "SYX") or page.photometric not in _TIFF_PHOTOMETRICS:
            kind = f"{page.photometric!s}, axes {page.axes}"
            raise ValueError(f"this kind of TIFF is not supported ({kind})")
        if page.dtype not in (np.uint8, np.uint16, np.float16, np.float32, np.float64):
            raise ValueError(f"a TIFF of {page.dtype} pixels is not supported")
        if page.tags.valueof("Orientation", default=1) != 1:
            raise ValueError("a TIFF that is stored turned or mirrored is not supported")
        pixels = page.asarray()
        metadata = {"icc_profile": page.iccprofile} if page.iccprofile else {}
    if page.axes == "SYX":
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        pixels = np.iinfo(pixels.dtype).max - pixels
    return pixels, metadata
