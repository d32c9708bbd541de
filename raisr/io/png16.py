"""PNG files with 16 bits a sample, which Pillow would reduce to 8 bits where they hold colour.

Notes
-----
A PNG row is stored as differences between bytes that lie one pixel apart, so byte k of every pixel
depends on byte k of its neighbours only. Each of these byte planes is therefore a valid 8-bit gray
PNG with the same row filters, and Pillow decodes it (PNG specification, section 9). An interlaced
file is seven such pictures, one after the other (section 8).
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from raisr.io.png_chunks import SIGNATURE, chunk, read_chunks

__all__ = ["decode", "encode", "is_png16"]

_CHANNELS = {0: 1, 4: 2, 2: 3, 6: 4}  # by colour type: gray, gray + alpha, RGB, RGB + alpha
_COLOUR_TYPES = {channels: colour_type for colour_type, channels in _CHANNELS.items()}
_FILTER_UP = 2
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = (  # first row, first column, row step, column step
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


def is_png16(head: bytes) -> bool:
    """Tell whether a file that begins with `head` (25 bytes or more) is a 16-bit PNG."""
    return head.startswith(SIGNATURE) and head[24:25] == b"\x10"


def decode(data: bytes) -> np.ndarray:
    """Decode a 16-bit PNG file to uint16, shape (H, W) or (H, W, 2 | 3 | 4).

    A colour that the file marks as transparent becomes an alpha channel.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    chunks = list(read_chunks(data))
    if "IEND" not in (kind for kind, _ in chunks):
        raise ValueError("the file ends too early")
    width, height, _, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    stream = zlib.decompress(b"".join(body for kind, body in chunks if kind == "IDAT"))
    channels = _CHANNELS[colour_type]
    pixels = np.empty((height, width, channels), np.uint16)
    position = 0
    for row, column, down, right in _ADAM7 if interlaced else _WHOLE:
        part = pixels[row::down, column::right]
        if part.size:
            size = part.shape[0] * (1 + part.shape[1] * 2 * channels)
            part[...] = _decode_rows(stream[position : position + size], part.shape)
            position += size
    transparent = dict(chunks).get("tRNS")
    if transparent is not None:
        marked = (pixels == np.frombuffer(transparent, ">u2")).all(axis=-1)
        pixels = np.dstack([pixels, np.where(marked, 0, 65535).astype(np.uint16)])
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def encode(pixels: np.ndarray) -> bytes:
    """Encode uint16 pixels, shape (H, W) or (H, W, 2 | 3 | 4)."""
    height, width = pixels.shape[:2]
    colour_type = _COLOUR_TYPES[pixels.shape[2] if pixels.ndim == 3 else 1]
    samples = np.ascontiguousarray(pixels, dtype=">u2").view(np.uint8).reshape(height, -1)
    rows = np.full((height, 1 + samples.shape[1]), _FILTER_UP, np.uint8)
    rows[:, 1:] = np.diff(samples, axis=0, prepend=np.zeros_like(samples[:1]))
    return _header(width, height, 16, colour_type) + _body(rows)


def _decode_rows(stream: bytes, shape: tuple[int, ...]) -> np.ndarray:
    height, width, channels = shape
    rows = np.frombuffer(stream, np.uint8).reshape(height, 1 + width * 2 * channels)
    filters, samples = rows[:, :1], rows[:, 1:].reshape(height, width, 2 * channels)
    planes = [
        _decode_gray8(np.hstack([filters, samples[..., k]]), width) for k in range(2 * channels)
    ]
    return np.stack(planes, axis=-1).view(">u2")


def _decode_gray8(rows: np.ndarray, width: int) -> np.ndarray:
    file = _header(width, len(rows), 8, 0) + _body(rows, level=0)
    with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
        return np.asarray(image)


def _header(width: int, height: int, bits: int, colour_type: int) -> bytes:
    fields = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return SIGNATURE + chunk("IHDR", fields)


def _body(rows: np.ndarray, level: int = 6) -> bytes:
    return chunk("IDAT", zlib.compress(rows.tobytes(), level)) + chunk("IEND", b"")
