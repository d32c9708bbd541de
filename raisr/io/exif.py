"""EXIF blocks: orientation, and the way between a block of its own and the tags of a TIFF."""

import io
import re
import struct
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from PIL import Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

__all__ = [
    "DESCRIPTIVE_TAGS",
    "SUB_DIRECTORIES",
    "descriptive_tags",
    "from_tiff",
    "orientation",
    "prefixed",
    "sub_directory",
    "turn",
    "upright_block",
    "upright_xmp",
]

T = TypeVar("T")
SUB_DIRECTORIES = (34665, 34853)  # Exif, GPS
DESCRIPTIVE_TAGS = (269, 270, 271, 272, 305, 306, 315, 316, 33432)
_ORIENTATION = 274
_PREFIX = b"Exif\0\0"
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))([1-8])')


def _where_readable(function: Callable[..., T]) -> Callable[..., T]:
    """Return nothing (of the annotated type) for a damaged block: the picture is worth more."""
    nothing = function.__annotations__["return"]

    @wraps(function)
    def tolerant(*arguments: Any) -> T:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return function(*arguments)
            except Exception:  # Pillow raises a dozen kinds
                return nothing()

    return tolerant


def prefixed(block: bytes) -> bytes:
    """Return the block with the prefix that JPEG files have."""
    return block if block.startswith(_PREFIX) else _PREFIX + block


def orientation(block: bytes, xmp: bytes = b"") -> int:
    """Return how a picture is stored, 1 (upright) to 8, by its EXIF block or else its XMP."""
    place = _find_orientation(block)
    if place is not None:
        value = struct.unpack_from(_order(block) + "H", block, place)[0]
    else:
        found = _XMP_ORIENTATION.search(xmp)
        value = int(found[2]) if found else 1
    return value if 1 <= value <= 8 else 1


def upright_block(block: bytes) -> bytes:
    """Return the block as that of an upright picture, without the thumbnail, else unchanged."""
    start = _start(block)
    changed = bytearray(block)
    place = _find_orientation(block)
    if place is not None:
        struct.pack_into(_order(block) + "H", changed, place, 1)
    first, count = _first_directory(block)
    following = first + 2 + 12 * count
    if start is not None and count and following + 4 <= len(block):
        changed[following : following + 4] = bytes(4)  # the directory of the thumbnail
    return bytes(changed)


def upright_xmp(xmp: bytes) -> bytes:
    """Return an XMP packet as that of an upright picture."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def turn(pixels: np.ndarray, stored: int) -> np.ndarray:
    """Return pixels (H, W[, C]) upright, from one of the eight ways of storing them."""
    if stored in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if stored in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if stored in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


@_where_readable
def descriptive_tags(block: bytes) -> dict[int, bytes]:
    """Return maker, dates, description and the like, by tag, of an EXIF block."""
    exif = _load(block)
    found = {tag: exif[tag] for tag in DESCRIPTIVE_TAGS if tag in exif}
    return {tag: _encoded(value) for tag, value in found.items() if isinstance(value, str | bytes)}


@_where_readable
def sub_directory(block: bytes, tag: int, order: str, offset: int) -> bytes:
    """Return the directory that `tag` points to, to be placed at `offset` of a TIFF file."""
    values = _load(block).get_ifd(tag)
    if not values:
        return b""
    return _directory(values, tag, order).tobytes(offset)


@_where_readable
def from_tiff(data: bytes) -> bytes:
    """Return the EXIF block of a (classic) TIFF file's first page."""
    order = "<" if data[:2] == b"II" else ">"
    source = Image.Exif()
    source.endian = order
    source.load_from_fp(io.BytesIO(data), struct.unpack_from(order + "I", data, 4)[0])
    main = {tag: source[tag] for tag in DESCRIPTIVE_TAGS if tag in source}
    main |= dict.fromkeys((tag for tag in SUB_DIRECTORIES if source.get_ifd(tag)), 0)
    end = 8 + len(_directory(main, None, order).tobytes(8))
    parts = b""
    for tag in SUB_DIRECTORIES:
        if tag in main:
            main[tag] = end + len(parts)
            parts += _directory(source.get_ifd(tag), tag, order).tobytes(main[tag])
    header = data[:2] + struct.pack(order + "HI", 42, 8)
    return _PREFIX + header + _directory(main, None, order).tobytes(8) + parts


def _directory(values: dict[int, Any], group: int | None, order: str) -> ImageFileDirectory_v2:
    directory = ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM", group=group)
    for tag, value in values.items():
        if isinstance(value, str):
            directory.tagtype[tag] = TiffTags.ASCII
        elif tag in SUB_DIRECTORIES:
            directory.tagtype[tag] = TiffTags.LONG
        directory[tag] = _encoded(value)
    return directory


def _encoded(value: Any) -> Any:
    """Return text as the bytes that it was read from: Pillow would write ASCII only."""
    return value.encode("latin-1", "replace") if isinstance(value, str) else value


def _load(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def _start(block: bytes) -> int | None:
    start = len(_PREFIX) if block.startswith(_PREFIX) else 0
    return start if block[start : start + 4] in (b"II*\0", b"MM\0*") else None


def _order(block: bytes) -> str:
    start = _start(block)
    return "<" if start is not None and block[start : start + 2] == b"II" else ">"


def _first_directory(block: bytes) -> tuple[int, int]:
    """Return place and number of entries of the first directory."""
    start = _start(block)
    if start is None or len(block) < start + 8:
        return 0, 0
    first = start + struct.unpack_from(_order(block) + "I", block, start + 4)[0]
    if first + 2 > len(block):
        return 0, 0
    count = struct.unpack_from(_order(block) + "H", block, first)[0]
    return first, min(count, (len(block) - first - 2) // 12)


def _find_orientation(block: bytes) -> int | None:
    first, count = _first_directory(block)
    for entry in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from(_order(block) + "H", block, entry)[0] == _ORIENTATION:
            return entry + 8
    return None
