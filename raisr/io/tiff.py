"""TIFF files through tifffile: any number of pages, bands and depths."""

import io
import struct
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from raisr.io import eight_bit, exif, geo_tags
from raisr.io.picture import ALPHA, ASSOCIATED, BAND, Page, Picture, extra_channels, with_extra
from raisr.io.tiff_descriptions import of_size
from raisr.io.tiff_tags import attach_directories, describe, tag_options

__all__ = ["MAGIC", "decode", "encode", "refuse_missing_pages"]

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_EXTRA = {0: BAND, 1: ASSOCIATED, 2: ALPHA}
_EXTRA_CODES = {name: code for code, name in _EXTRA.items()}
_GRAY = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE)
_RGB, _PALETTE = tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.PALETTE
# Pillow decodes 8 bits of these without help; tifffile needs imagecodecs for LZW
_PILLOW_COMPRESSIONS = (tifffile.COMPRESSION.LZW, tifffile.COMPRESSION.JPEG)
_CLASSIC_BYTES = 2**32 - 2**25  # of pixels, in a file whose offsets have 32 bits
_ALWAYS, _DENSEST = 2**26, 100_000  # bytes of pixels: of any file, and for each of its bytes
_LAYERS = 37724  # of an image editor, all of them as they were before denoising
_RAW_CAMERA = (50706, 33421)  # DNG version, colour filter array


def decode(data: bytes) -> Picture:
    """Decode all pages."""
    notes: list[str] = []
    if data[8:10] == b"CR":
        raise ValueError("a raw camera file; develop it to a TIFF first")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        if not len(file.pages):
            raise ValueError("a TIFF without a picture")
        first = file.pages.first
        noted = (*exif.DESCRIPTIVE_TAGS, *exif.SUB_DIRECTORIES)
        has_exif = any(tag in first.tags for tag in noted)
        block = exif.from_tiff(data) if has_exif and not file.is_bigtiff else b""
        pages = []
        for index, page in enumerate(file.pages):
            _refuse_what_is_elsewhere(page, notes)
            found = describe(page, data, file.byteorder)
            if block and index == 0:
                found["exif"] = block
            pages.append(_upright(_read_page(page, data, notes), found, page))
        refuse_missing_pages(file, data)
        _refuse_hidden_planes(file)
    return Picture(pages, ".tif", list(dict.fromkeys(notes)))


def encode(pages: list[Page]) -> bytes:
    """Encode pages without compression, each with its own channels, depth and metadata.

    Above 4 GB, what cameras note in EXIF's own directories is left out.
    """
    target = io.BytesIO()
    order: Any = next((m["tiff"][0] for _, m in pages if "tiff" in m), "<")
    big = sum(page.pixels.nbytes for page in pages) > _CLASSIC_BYTES
    with tifffile.TiffWriter(target, byteorder=order, bigtiff=big) as writer:
        for pixels, metadata in pages:
            extra = extra_channels(pixels, metadata)
            channels = pixels.shape[2] if pixels.ndim == 3 else 1
            planar = bool(metadata.get("planar")) and channels > 1
            layout: dict[str, Any] = {"planarconfig": "separate" if planar else "contig"}
            stored = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if planar else pixels
            options = tag_options(metadata, directories=not big)
            if options["description"] is not None:
                options["description"] = of_size(options["description"], stored.shape, planar)
            writer.write(
                stored,
                photometric="rgb" if channels - len(extra) == 3 else "minisblack",
                extrasamples=[_EXTRA_CODES[name] for name in extra] or None,
                **(layout if channels > 1 else {}),
                **options,
            )
    blocks = [metadata.get("exif", b"") for _, metadata in pages]
    if big or not any(blocks):
        return target.getvalue()
    return attach_directories(target.getvalue(), blocks)


def _read_page(page: Any, data: bytes, notes: list[str]) -> Page:
    photometric, bits = page.photometric, page.bitspersample
    inks = photometric == tifffile.PHOTOMETRIC.SEPARATED
    if bits == 8 and (inks or page.compression == tifffile.COMPRESSION.JPEG):
        pixels = _read_with_pillow(page, data, notes)
        return Page(pixels, {"icc_profile": eight_bit.srgb_profile()} if inks else {})
    if page.axes not in ("YX", "YXS", "SYX") or photometric not in (*_GRAY, _RGB, _PALETTE):
        raise ValueError(
            f"a TIFF of {getattr(photometric, 'name', photometric)} pixels with axes "
            f"{page.axes or 'unknown'} is not supported; "
            "convert it to gray or RGB first"
        )
    if (
        page.dtype is None
        or page.dtype.kind not in "buif"
        or (page.dtype.kind in "ui" and page.dtype.itemsize > 4)
    ):
        raise ValueError(f"a TIFF of {page.dtype} pixels is not supported; convert to float")
    _refuse_missing_pixels(page, data)
    pixels = _read_pixels(page, data, notes)
    if page.axes == "SYX":
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    if photometric == _PALETTE:
        return Page(_coloured(pixels, page.colormap), {})
    pixels = _scaled(pixels, bits, notes)
    if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        pixels = _inverted(pixels)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    count = channels - (3 if photometric == _RGB else 1)
    if count < 0:
        raise ValueError(f"the file is damaged: RGB pixels of {channels} sample(s)")
    codes = [int(code) for code in page.extrasamples][:count]
    extra = tuple(_EXTRA.get(code, BAND) for code in codes) + (BAND,) * (count - len(codes))
    return with_extra(pixels, {}, extra)


def _refuse_missing_pixels(page: Any, data: bytes) -> None:
    """Refuse a page that claims more pixels than the file can hold, before it asks for memory."""
    segments = int(np.prod(page.chunked, dtype=object))
    plain = page.compression == tifffile.COMPRESSION.NONE
    size = page.size * page.dtype.itemsize if page.dtype != bool else page.size // 8
    size = size if page.bitspersample in (1, 8, 16, 32, 64) else size // 8
    most = len(data) if plain else _ALWAYS + _DENSEST * len(data)
    missing = len(page.dataoffsets) < segments or size > most
    if missing or page.size == 0:
        raise ValueError("the file is damaged or ends too early")


def _read_pixels(page: Any, data: bytes, notes: list[str]) -> np.ndarray:
    try:
        return page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        if page.compression in _PILLOW_COMPRESSIONS and page.bitspersample == 8:
            return _read_with_pillow(page, data, notes)
        raise ValueError(
            f"a TIFF with {page.compression.name} compression needs imagecodecs: "
            "pip install '.[files]'"
        ) from None


def _read_with_pillow(page: Any, data: bytes, notes: list[str]) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
        image.seek(page.index)
        return eight_bit.pixels_of(image, notes)


def _coloured(indices: np.ndarray, colormap: np.ndarray) -> np.ndarray:
    pixels = np.ascontiguousarray(np.moveaxis(colormap[:, indices], 0, -1))
    eight_bits = (colormap % 257 == 0).all() or (colormap % 256 == 0).all()
    return (pixels >> 8).astype(np.uint8) if eight_bits else pixels


def _scaled(pixels: np.ndarray, bits: Any, notes: list[str]) -> np.ndarray:
    """Return samples of 1 to 7 bits in 8, those of 9 to 15 bits in 16: white stays white."""
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * np.uint8(255)
    full = 8 * pixels.dtype.itemsize
    if pixels.dtype not in (np.uint8, np.uint16) or not isinstance(bits, int) or bits == full:
        return pixels
    notes.append(f"{bits} bits a sample were scaled to {full}")
    return np.rint(pixels * ((2**full - 1) / (2**bits - 1))).astype(pixels.dtype)


def _inverted(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind != "u":
        raise ValueError(f"a TIFF of {pixels.dtype} pixels with white at 0 is not supported")
    inverted = pixels.copy()
    gray = inverted if pixels.ndim == 2 else inverted[..., 0]
    np.subtract(np.iinfo(pixels.dtype).max, gray, out=gray)
    return inverted


def _upright(read: Page, found: dict[str, Any], page: Any) -> Page:
    pixels, metadata = read.pixels, {**found, **read.metadata}
    if page.axes == "SYX":
        metadata["planar"] = True
    stored = page.tags.valueof("Orientation", default=1)
    if stored in range(2, 9):
        metadata = geo_tags.turned(metadata, stored, *pixels.shape[:2])
        pixels = exif.turn(pixels, stored)
        if stored >= 5:
            metadata |= {k: metadata[k][::-1] for k in ("dpi", "per_unit") if k in metadata}
        if "xmp" in metadata:
            metadata["xmp"] = exif.upright_xmp(metadata["xmp"])
    return Page(pixels, metadata)


def _refuse_what_is_elsewhere(page: Any, notes: list[str]) -> None:
    """Refuse a page that is only the small version of what the file holds."""
    if any(tag in page.tags for tag in _RAW_CAMERA):
        raise ValueError("a raw camera file; develop it to a TIFF first")
    if page.subifds:
        subs = [sub for sub in (page.pages or ()) if hasattr(sub, "imagewidth")]
        if any(sub.imagewidth > page.imagewidth for sub in subs):
            raise ValueError("its picture is stored as a raw camera file's; develop it first")
        notes.append("smaller versions of the picture were left out")
    if _LAYERS in page.tags:
        notes.append("the layers of an image editor were left out")


def refuse_missing_pages(file: tifffile.TiffFile, data: Any) -> None:
    """Refuse a file whose last page points to one that cannot be found: it was cut."""
    form, width, entry = ("Q", 8, 20) if file.is_bigtiff else ("H", 2, 12)
    offsets = [page.offset for page in file.pages]
    last = offsets[-1]
    (count,) = struct.unpack_from(file.byteorder + form, data, last)
    pointer = "Q" if file.is_bigtiff else "I"
    (following,) = struct.unpack_from(file.byteorder + pointer, data, last + width + entry * count)
    if following and following not in offsets:
        raise ValueError(f"the file is damaged or ends too early: page {len(offsets) + 1} is lost")


def _refuse_hidden_planes(file: tifffile.TiffFile) -> None:
    """Refuse a stack that is described as more planes than there are pages."""
    if not (file.is_imagej or file.is_shaped) or len(file.pages) > 1:
        return
    stored = int(np.prod(file.pages.first.shape))
    described = sum(int(np.prod(series.shape)) for series in file.series)
    if described > stored:
        raise ValueError(
            f"a stack of {described // stored} planes behind one page; write a page for each plane"
        )
