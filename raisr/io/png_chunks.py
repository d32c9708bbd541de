"""What a PNG file carries beside its pixels, as chunks (PNG specification, section 11)."""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from raisr.io.exif import prefixed

__all__ = ["SIGNATURE", "chunk", "describe", "insert", "read_chunks"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = ("cICP", "mDCV", "cLLI", "sRGB", "gAMA", "cHRM", "pHYs", "tIME", "tEXt", "zTXt", "iTXt")
_XMP = b"XML:com.adobe.xmp\0"
_EXIF_AS_TEXT = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
_LONGEST = 1 << 26  # bytes of one decompressed profile or text
_METRES = 0.0254  # of an inch


def read_chunks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield kind and content of each chunk.

    Raises
    ------
    ValueError
        Where a chunk is damaged or cut off.
    """
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        if checksum != struct.pack(">I", zlib.crc32(kind + body)):
            raise ValueError("the file is damaged or ends too early")
        yield kind.decode("latin-1"), body
        position += 12 + length


def chunk(kind: str, body: bytes) -> bytes:
    """Return a chunk as it stands in a file."""
    tagged = kind.encode("latin-1") + body
    return struct.pack(">I", len(body)) + tagged + struct.pack(">I", zlib.crc32(tagged))


def describe(chunks: list[tuple[str, bytes]]) -> dict[str, Any]:
    """Return the metadata of a file's chunks, for `insert` and for other formats."""
    found: dict[str, Any] = {}
    kept = []
    for kind, body in chunks:
        with contextlib.suppress(zlib.error, struct.error, ValueError, IndexError):  # damaged
            found |= _translated(kind, body)
        if kind in _KEPT and not body.startswith((_XMP, *_EXIF_AS_TEXT)):
            kept.append((kind, body))
    return found | ({"png": kept} if kept else {})


def insert(data: bytes, metadata: dict[str, Any]) -> bytes:
    """Return a PNG file with the chunks of `metadata` behind its header."""
    kept = list(metadata.get("png", ()))
    if metadata.get("icc_profile"):
        profile = b"ICC Profile\0\0" + zlib.compress(metadata["icc_profile"])
        kept = [("iCCP", profile), *(item for item in kept if item[0] != "sRGB")]
    if "dpi" in metadata and not any(kind == "pHYs" for kind, _ in kept):
        pixels_per_metre = [int(value / _METRES + 0.5) for value in metadata["dpi"]]
        if all(0 < value < 2**31 for value in pixels_per_metre):
            kept.append(("pHYs", struct.pack(">IIB", *pixels_per_metre, 1)))
    if metadata.get("exif"):
        kept.append(("eXIf", metadata["exif"].removeprefix(b"Exif\0\0")))
    if metadata.get("xmp"):
        kept.append(("iTXt", _XMP + bytes(4) + metadata["xmp"]))
    head = len(SIGNATURE) + 25
    return data[:head] + b"".join(chunk(*item) for item in kept) + data[head:]


def _translated(kind: str, body: bytes) -> dict[str, Any]:
    """Return what a chunk says that other formats can say too."""
    if kind == "iCCP":
        return {"icc_profile": _inflated(body.split(b"\0", 1)[1][1:])}
    if kind == "eXIf":
        return {"exif": prefixed(body)}
    if kind == "iTXt" and body.startswith(_XMP):
        return {"xmp": _international_text(body)}
    if kind in ("tEXt", "zTXt") and body.startswith(_EXIF_AS_TEXT):
        return {"exif": _exif_of_text(kind, body)}
    if kind == "pHYs" and body[8] == 1:
        return {"dpi": tuple(value * _METRES for value in struct.unpack(">II", body[:8]))}
    return {}


def _inflated(data: bytes) -> bytes:
    """Decompress, but no bomb."""
    return zlib.decompressobj().decompress(data, _LONGEST)


def _international_text(body: bytes) -> bytes:
    compressed = body[len(_XMP)]
    text = body[len(_XMP) + 2 :].split(b"\0", 2)[2]
    return _inflated(text) if compressed else text


def _exif_of_text(kind: str, body: bytes) -> bytes:
    """Return the EXIF block that older programs store as hexadecimal text."""
    text = body.split(b"\0", 1)[1]
    if kind == "zTXt":
        text = _inflated(text[1:])
    block = bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    return prefixed(block)
