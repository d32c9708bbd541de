"""PNG, JPEG, BMP and WebP through Pillow, which keeps eight bits a sample."""

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from raisr.io import exif, png16, png_chunks
from raisr.io.picture import Page, Picture
from raisr.jpeg import quality_of_table

__all__ = ["FORMATS", "decode", "encode", "pixels_of", "srgb_profile"]

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "BMP": ".bmp", "WEBP": ".webp"}
_MODES = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB"}
_MODES |= {mode: mode for mode in ("L", "LA", "RGB", "RGBA")}
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}
_PLAIN_KEYS = ("icc_profile", "exif", "dpi", "xmp", "comment")
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".bmp": {"format": "BMP"},
    ".webp": {"format": "WEBP", "lossless": True, "exact": True},
}


def decode(data: bytes) -> Picture:
    """Decode a file of one picture, and turn it upright."""
    notes: list[str] = []
    image = _open(data)
    suffix = FORMATS[image.format or ""]
    count = getattr(image, "n_frames", 1)
    if suffix == ".jpg" and count > 1:
        notes.append(f"only the first of its {count} pictures is kept")
    elif count > 1:
        raise ValueError(f"an animation of {count} pictures is not supported; save them one by one")
    if png16.is_png16(data):
        pixels, metadata = png16.decode(data), {}
    else:
        pixels = pixels_of(image, notes)
        metadata = {key: image.info[key] for key in _PLAIN_KEYS if key in image.info}
    if tables := getattr(image, "quantization", None):
        metadata["jpeg_quality"] = quality_of_table(tables[min(tables)])
    if "exif" in metadata:  # WebP stores the block without its prefix
        metadata["exif"] = exif.prefixed(metadata["exif"])
    if suffix == ".png":
        metadata = png_chunks.describe(_chunks(data))
    if image.mode == "CMYK":
        metadata["icc_profile"] = srgb_profile()
    return Picture([_upright(pixels, metadata)], suffix, notes)


def pixels_of(image: Image.Image, notes: list[str]) -> np.ndarray:
    """Return an image's pixels as gray or RGB, with alpha where it has any; say what changed."""
    mode = _MODES.get(image.mode)
    if mode is None:
        raise ValueError(f"{image.mode} pixels are not supported; convert to gray or RGB first")
    if image.mode == "CMYK":
        notes.append("CMYK was turned to sRGB")
        return np.array(_srgb_of_cmyk(image))
    if image.has_transparency_data:
        mode = _WITH_ALPHA.get(mode, mode)
    return np.array(image.convert(mode))


def encode(pixels: np.ndarray, suffix: str, metadata: dict[str, Any]) -> bytes:
    """Encode uint8 pixels, or uint16 ones for ".png"."""
    if pixels.dtype == np.uint16:
        return png_chunks.insert(png16.encode(pixels), metadata)
    image = Image.fromarray(pixels)
    target = io.BytesIO()
    if suffix == ".png":
        image.save(target, "PNG")
        return png_chunks.insert(target.getvalue(), metadata)
    known = {key: metadata[key] for key in _PLAIN_KEYS if metadata.get(key)}
    image.save(target, **_SAVE_OPTIONS[suffix], **known)
    return target.getvalue()


def _open(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures and damaged EXIF
        return Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "BMP", "WEBP"])


def _chunks(data: bytes) -> list[tuple[str, bytes]]:
    """Return the chunks up to the first damaged one: the pixels have been read by then."""
    found = []
    try:
        for kind, body in png_chunks.read_chunks(data):
            found.append((kind, body))
    except ValueError:
        pass
    return found


def _upright(pixels: np.ndarray, metadata: dict[str, Any]) -> Page:
    stored = exif.orientation(metadata.get("exif", b""), metadata.get("xmp", b""))
    if stored == 1:
        return Page(pixels, metadata)
    changed = dict(metadata)
    if "exif" in metadata:
        changed["exif"] = exif.upright_block(metadata["exif"])
    if "xmp" in metadata:
        changed["xmp"] = exif.upright_xmp(metadata["xmp"])
    if stored >= 5:
        if "dpi" in metadata:
            changed["dpi"] = metadata["dpi"][::-1]
        if "png" in metadata:
            changed["png"] = [
                (kind, body[4:8] + body[:4] + body[8:] if kind == "pHYs" else body)
                for kind, body in metadata["png"]
            ]
    return Page(exif.turn(pixels, stored), changed)


def _srgb_of_cmyk(image: Image.Image) -> Image.Image:
    """Convert by the file's profile if it has a usable one, else by Pillow's plain rule."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
        except (OSError, ImageCms.PyCMSError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def srgb_profile() -> bytes:
    """Return the colour profile of what was CMYK."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
