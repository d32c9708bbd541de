"""PNG files with 16 bits a sample, which Pillow would reduce to 8 bits where they hold colour.

Notes
-----
A PNG row is stored as differences between bytes that lie one pixel apart, so byte k of every pixel
depends on byte k of its neighbours only. Each of these byte planes is therefore a valid 8-bit gray
PNG with the same row filters, and Pillow decodes it (PNG specification, section 9).
"""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 4: 2, 2: 3, 6: 4}  # by colour type: gray, gray + alpha, RGB, RGB + alpha
_COLOUR_TYPES = {channels: colour_type for colour_type, channels in _CHANNELS.items()}
_FILTER_UP = 2


def is_png16(head: bytes) -> bool:
    """Tell whether a file that begins with `head` (25 bytes or more) is a 16-bit PNG."""
    return head.startswith(SIGNATURE) and head[24:25] == b"\x10"


def decode(data: bytes) -> np.ndarray:
    """Decode a 16-bit PNG file to uint16, shape (H, W) or (H, W, 2 | 3 | 4).

    Raises
    ------
    ValueError
        If the file is damaged, interlaced, or marks one colour as transparent.
    """
    chunks = list(_read_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if "IEND" not in kinds:
        raise ValueError("the file ends too early")
    if "tRNS" in kinds:
        raise ValueError("a 16-bit PNG with a transparent colour is not supported")
    width, height, _, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if interlaced:
        raise ValueError("an interlaced 16-bit PNG is not supported")
    pixel_bytes = 2 * _CHANNELS[colour_type]
    stream = zlib.decompress(b"".join(body for kind, body in chunks if kind == "IDAT"))
    rows = np.frombuffer(stream, np.uint8).reshape(height, 1 + width * pixel_bytes)
    filters, samples = rows[:, :1], rows[:, 1:].reshape(height, width, pixel_bytes)
    planes = [
        _decode_gray8(np.hstack([filters, samples[..., k]]), width) for k in range(pixel_bytes)
    ]
    pixels = np.stack(planes, axis=-1).view(">u2").astype(np.uint16)
    return pixels[..., 0] if colour_type == 0 else pixels


def encode(pixels: np.ndarray, metadata: dict) -> bytes:
    """Encode uint16 pixels, shape (H, W) or (H, W, 2 | 3 | 4); `metadata` as Pillow takes it."""
    height, width = pixels.shape[:2]
    colour_type = _COLOUR_TYPES[pixels.shape[2] if pixels.ndim == 3 else 1]
    samples = np.ascontiguousarray(pixels, dtype=">u2").view(np.uint8).reshape(height, -1)
    rows = np.full((height, 1 + samples.shape[1]), _FILTER_UP, np.uint8)
    rows[:, 1:] = np.diff(samples, axis=0, prepend=np.zeros_like(samples[:1]))
    template = io.BytesIO()  # Pillow writes the profile, resolution and EXIF chunks
    Image.new("L" if pixels.ndim == 2 else "RGB", (1, 1)).save(template, "PNG", **metadata)
    extra = [
        _chunk(kind, body)
        for kind, body in _read_chunks(template.getvalue())
        if kind not in ("IHDR", "IDAT", "IEND")
    ]
    return b"".join([_header(width, height, 16, colour_type), *extra, _body(rows)])


def _decode_gray8(rows: np.ndarray, width: int) -> np.ndarray:
    file = _header(width, len(rows), 8, 0) + _body(rows, level=0)
    with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
        return np.asarray(image)


def _read_chunks(data: bytes) -> Iterator[tuple[str, bytes]]:
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        if checksum != struct.pack(">I", zlib.crc32(kind + body)):
            raise ValueError("the file is damaged or ends too early")
        yield kind.decode("latin-1"), body
        position += 12 + length


def _chunk(kind: str, body: bytes) -> bytes:
    tagged = kind.encode("latin-1") + body
    return struct.pack(">I", len(body)) + tagged + struct.pack(">I", zlib.crc32(tagged))


def _header(width: int, height: int, bits: int, colour_type: int) -> bytes:
    fields = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return SIGNATURE + _chunk("IHDR", fields)


def _body(rows: np.ndarray, level: int = 6) -> bytes:
    return _chunk("IDAT", zlib.compress(rows.tobytes(), level)) + _chunk("IEND", b"")
