"""PNG: chunks go through, 16 bits in every layout."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from raisr.io import read_image, write_image

RNG = np.random.default_rng(0)


def chunks_of(path):
    """Plain parsing: kind and content of each chunk."""
    data, place, found = path.read_bytes(), 8, []
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        found.append((data[place + 4 : place + 8].decode(), data[place + 8 : place + 8 + length]))
        (crc,) = struct.unpack_from(">I", data, place + 8 + length)
        assert crc == zlib.crc32(data[place + 4 : place + 8 + length])
        place += 12 + length
    return found


def with_chunks(path, *chunks):
    """Put chunks behind the header of a PNG file."""
    data = path.read_bytes()
    added = b""
    for kind, body in chunks:
        tagged = kind.encode() + body
        added += struct.pack(">I", len(body)) + tagged + struct.pack(">I", zlib.crc32(tagged))
    path.write_bytes(data[:33] + added + data[33:])


XMP = b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>"
CARRIED = [
    ("gAMA", struct.pack(">I", 45455)),
    ("cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    ("sRGB", b"\0"),
    ("pHYs", struct.pack(">IIB", 11811, 5906, 1)),
    ("tIME", struct.pack(">HBBBBB", 2020, 2, 3, 4, 5, 6)),
    ("tEXt", b"Title\0a title"),
    ("zTXt", b"Comment\0\0" + zlib.compress(b"a long comment")),
    ("iTXt", "Author\0\0\0\0\0Jürgen".encode()),
    ("iTXt", XMP),
]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_what_a_png_carries_comes_through(tmp_path, dtype):
    pixels = RNG.integers(0, np.iinfo(dtype).max, (9, 14, 3), dtype)
    write_image(tmp_path / "a.png", pixels)
    with_chunks(tmp_path / "a.png", *CARRIED)
    write_image(tmp_path / "b.png", *read_image(tmp_path / "a.png"))
    found = chunks_of(tmp_path / "b.png")
    assert sorted(item for item in found if item[0] not in ("IHDR", "IDAT", "IEND")) == sorted(
        CARRIED
    )
    first = [kind for kind, _ in found].index("IDAT")
    kinds = [kind for kind, _ in found]
    assert all(kinds.index(kind) < first for kind in ("gAMA", "cHRM", "sRGB", "pHYs"))
    with Image.open(tmp_path / "b.png") as image:
        image.load()
        assert image.info["gamma"] == pytest.approx(0.45455)
        assert image.info["Author"] == "Jürgen"
        assert image.info["XML:com.adobe.xmp"] == "<x:xmpmeta/>"


def test_text_behind_the_pixels_comes_through(tmp_path):
    words = PngImagePlugin.PngInfo()
    words.add(b"tEXt", b"late\0word", after_idat=True)
    Image.fromarray(RNG.integers(0, 256, (9, 14), np.uint8)).save(tmp_path / "a.png", pnginfo=words)
    write_image(tmp_path / "b.png", *read_image(tmp_path / "a.png"))
    assert ("tEXt", b"late\0word") in chunks_of(tmp_path / "b.png")


def test_exif_as_text_is_turned_once(tmp_path):
    """As older programs of ImageMagick's family write it."""
    pixels = RNG.integers(0, 256, (9, 14), np.uint8)
    exif = Image.Exif()
    exif[274] = 6
    block = exif.tobytes()
    text = b"\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())
    write_image(tmp_path / "a.png", pixels)
    with_chunks(tmp_path / "a.png", ("zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))
    upright, metadata = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(upright, np.rot90(pixels, -1))
    write_image(tmp_path / "b.png", upright, metadata)
    np.testing.assert_array_equal(read_image(tmp_path / "b.png")[0], upright)


def test_orientation_in_xmp_alone(tmp_path):
    pixels = RNG.integers(0, 256, (9, 14), np.uint8)
    packet = b'<rdf:Description tiff:Orientation="3"/>'
    write_image(tmp_path / "a.png", pixels, {"xmp": packet})
    upright, metadata = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(upright, pixels[::-1, ::-1])
    write_image(tmp_path / "b.png", upright, metadata)
    np.testing.assert_array_equal(read_image(tmp_path / "b.png")[0], upright)


def test_damaged_words_do_not_spoil_the_picture(tmp_path):
    pixels = RNG.integers(0, 256, (9, 14), np.uint8)
    write_image(tmp_path / "a.png", pixels)
    with_chunks(tmp_path / "a.png", ("iCCP", b"name\0\0no zlib"), ("eXIf", b"II"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[0], pixels)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 1), (9, 14), (33, 20)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_interlaced_16_bits(tmp_path, size, channels):
    """Written out slowly, pass by pass, without row filters."""
    shape = size if channels == 1 else (*size, channels)
    pixels = RNG.integers(0, 65536, shape, np.uint16)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    stream = b""
    for row, column, down, right in [*passes, (1, 0, 2, 1)]:
        part = pixels[row::down, column::right]
        stream += b"".join(b"\0" + line.astype(">u2").tobytes() for line in part if part.size)
    colour_type = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", size[1], size[0], 16, colour_type, 0, 0, 1)
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(25))
    with_chunks(path, ("IHDR", header), ("IDAT", zlib.compress(stream)), ("IEND", b""))
    path.write_bytes(path.read_bytes()[:8] + path.read_bytes()[33:])
    np.testing.assert_array_equal(read_image(path)[0], pixels)
    if channels == 1:
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)


def test_transparent_colour_of_16_bits(tmp_path):
    pixels = RNG.integers(0, 65536, (4, 5, 3), np.uint16)
    write_image(tmp_path / "a.png", pixels)
    with_chunks(tmp_path / "a.png", ("tRNS", pixels[1, 2].astype(">u2").tobytes()))
    read, _ = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(read[..., :3], pixels)
    assert read[1, 2, 3] == 0
    assert (read[..., 3] == 65535).sum() == 19
