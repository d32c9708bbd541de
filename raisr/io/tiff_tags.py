"""What a TIFF page carries beside its pixels: tags, resolution, and the directories of EXIF."""

import io
import struct
from typing import Any

import tifffile

from raisr.io import exif

__all__ = ["attach_directories", "describe", "tag_options"]

_KEPT = (
    *(269, 270, 271, 272, 285, 286, 287, 297, 305, 306, 315, 316, 33432),  # what it is, and whose
    *(33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113),  # place on Earth
    *(33723, 34377, 50838, 50839),  # IPTC, Photoshop, ImageJ
)
_DESCRIPTION, _XMP = 270, 700
_NO_UNIT, _INCH, _CENTIMETRE = 1, 2, 3
_CLASSIC_TYPES = range(1, 14)
_PLACEHOLDERS = {65111: 34665, 65112: 34853}  # private tags that become Exif and GPS


def describe(page: Any, data: bytes, order: str) -> dict[str, Any]:
    """Return the metadata of a page; ``tiff`` holds the byte order and the tags as stored."""
    found: dict[str, Any] = {}
    if page.iccprofile:
        found["icc_profile"] = page.iccprofile
    if 282 in page.tags and 283 in page.tags:
        unit = page.tags.valueof(296, default=_INCH)
        factor = 2.54 if unit == _CENTIMETRE else 1.0
        pairs = (page.tags[code].value for code in (282, 283))
        name = "dpi" if unit in (_INCH, _CENTIMETRE) else "per_unit"
        counts = tuple(factor * a / b if b else 0.0 for a, b in pairs)
        if name == "dpi" or counts != (1, 1):  # which stands where nothing is known
            found[name] = counts
    if _XMP in page.tags:
        found["xmp"] = _stored(page.tags[_XMP], data)
    kept = [
        (code, int(tag.dtype), tag.count, _stored(tag, data))
        for code, tag in ((code, page.tags.get(code)) for code in _KEPT)
        if tag is not None and int(tag.dtype) in _CLASSIC_TYPES
    ]
    if kept:
        found["tiff"] = (order, kept)
    if page.subfiletype:
        found["subfiletype"] = int(page.subfiletype) & 3  # reduced, or one of several pages
    return found


def tag_options(metadata: dict[str, Any], directories: bool) -> dict[str, Any]:
    """Return what `tifffile.TiffWriter.write` takes for the metadata of a page."""
    tags = list(metadata["tiff"][1]) if "tiff" in metadata else []
    block = metadata.get("exif", b"")
    if block and not tags:
        named = exif.descriptive_tags(block)
        tags = [(code, 2, len(value), value) for code, value in named.items()]
    if metadata.get("xmp"):
        tags.append((_XMP, 1, len(metadata["xmp"]), metadata["xmp"]))
    for placeholder, code in _PLACEHOLDERS.items():
        if directories and block and exif.sub_directory(block, code, "<", 0):
            tags.append((placeholder, 4, 1, 0))
    description = next((value for code, *_, value in tags if code == _DESCRIPTION), None)
    options: dict[str, Any] = {
        "description": None if description is None else description.rstrip(b"\0"),
        "extratags": [(*tag, False) for tag in tags if tag[0] != _DESCRIPTION],
        "iccprofile": metadata.get("icc_profile"),
        "subfiletype": metadata.get("subfiletype", 0),
        "software": False,
        "metadata": None,
        "contiguous": False,
    }
    if "dpi" in metadata:
        options |= {"resolution": metadata["dpi"], "resolutionunit": _INCH}
    elif "per_unit" in metadata:
        options |= {"resolution": metadata["per_unit"], "resolutionunit": _NO_UNIT}
    return options


def attach_directories(data: bytes, blocks: list[bytes]) -> bytes:
    """Turn the placeholders of a TIFF file into pointers to EXIF directories, one block a page."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        offsets = [page.offset for page in file.pages]
        order = file.byteorder
    result = bytearray(data)
    for offset, block in zip(offsets, blocks, strict=True):
        (count,) = struct.unpack_from(order + "H", result, offset)
        places = range(offset + 2, offset + 2 + 12 * count, 12)
        entries = [bytes(result[place : place + 12]) for place in places]
        for index, entry in enumerate(entries):
            code = _PLACEHOLDERS.get(struct.unpack_from(order + "H", entry)[0])
            if code is not None:
                result += bytes(len(result) % 2)
                entries[index] = struct.pack(order + "HHII", code, 4, 1, len(result))
                result += exif.sub_directory(block, code, order, len(result))
        entries.sort(key=lambda entry: struct.unpack_from(order + "H", entry)[0])
        result[places.start : places.stop] = b"".join(entries)
    return bytes(result)


def _stored(tag: Any, data: bytes) -> bytes:
    size = tag.count * struct.calcsize(tifffile.TIFF.DATA_FORMATS[tag.dtype])
    return data[tag.valueoffset : tag.valueoffset + size]
