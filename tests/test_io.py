"""Image files: what goes in comes out, and what cannot be read or written says so in one line."""

import io
import os

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from raisr.io import list_images, read_image, write_image
from raisr.io.png16 import _body, _header
from tests.forked import run_forked, with_little_room

LOSSLESS = [
    (suffix, dtype, channels)
    for suffix, dtypes, all_channels in [
        (".png", ("uint8", "uint16"), (1, 2, 3, 4)),
        (".tif", ("uint8", "uint16", "float16", "float32", "float64"), (1, 2, 3, 4)),
        (".bmp", ("uint8",), (1, 3)),
    ]
    for dtype in dtypes
    for channels in all_channels
]


def random_pixels(dtype="uint8", channels=3, height=9, width=14):
    rng = np.random.default_rng(0)
    shape = (height, width) if channels == 1 else (height, width, channels)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0.5, 1, shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
def test_lossless_formats_return_what_was_written(tmp_path, suffix, dtype, channels):
    pixels = random_pixels(dtype, channels)
    path = tmp_path / f"image{suffix}"
    write_image(path, pixels)
    read, _ = read_image(path)
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".jpg"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 5, 1)])
def test_small_images(tmp_path, suffix, shape):
    path = tmp_path / f"image{suffix}"
    write_image(path, np.full(shape, 77, np.uint8))
    read, _ = read_image(path)
    np.testing.assert_array_equal(read, np.full(shape[:2], 77))


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_stays_close(tmp_path, channels):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    pixels = ramp if channels == 1 else np.stack([ramp, ramp[::-1], 255 - ramp], axis=-1)
    write_image(tmp_path / "image.jpg", pixels)
    read, _ = read_image(tmp_path / "image.jpg")
    assert read.shape == pixels.shape
    assert np.abs(read.astype(int) - pixels).max() <= 6


def test_non_contiguous_pixels(tmp_path):
    pixels = random_pixels("uint16", 4)[::2, ::-1, :3]
    write_image(tmp_path / "image.png", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "image.png")[0], pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("row_filter", range(5))
def test_png_row_filters(tmp_path, bits, row_filter):
    """Pixels filtered by the rules of the PNG specification, written out slowly."""
    pixels = random_pixels(f"uint{bits}", 3)
    raw = pixels.astype(f">u{bits // 8}").view(np.uint8).reshape(len(pixels), -1).astype(int)
    step = 3 * bits // 8
    left = np.pad(raw, ((0, 0), (step, 0)))[:, :-step]
    up = np.pad(raw, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(raw, ((1, 0), (step, 0)))[:-1, :-step]
    distances = np.abs(left + up - corner - np.stack([left, up, corner]))
    paeth = np.choose(distances.argmin(axis=0), [left, up, corner])
    guess = [0, left, up, (left + up) // 2, paeth][row_filter]
    rows = np.insert((raw - guess) % 256, 0, row_filter, axis=1).astype(np.uint8)
    path = tmp_path / "image.png"
    path.write_bytes(_header(pixels.shape[1], pixels.shape[0], bits, 2) + _body(rows))
    np.testing.assert_array_equal(read_image(path)[0], pixels)


def test_png16_is_read_alike_by_opencv(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pixels = random_pixels("uint16", 3)
    write_image(tmp_path / "ours.png", pixels)
    theirs = cv2.imread(str(tmp_path / "ours.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(theirs[..., ::-1], pixels)
    cv2.imwrite(str(tmp_path / "theirs.png"), pixels[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "theirs.png")[0], pixels)


def test_palette_becomes_colour(tmp_path):
    image = Image.fromarray(random_pixels()).quantize(16)
    image.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(
        read_image(tmp_path / "palette.png")[0], np.asarray(image.convert("RGB"))
    )
    image.save(tmp_path / "transparent.png", transparency=3)
    pixels, _ = read_image(tmp_path / "transparent.png")
    np.testing.assert_array_equal(pixels[..., 3] == 0, np.asarray(image) == 3)


def test_bilevel_becomes_gray(tmp_path):
    pixels = random_pixels(channels=1) > 127
    Image.fromarray(pixels).save(tmp_path / "bilevel.png")
    np.testing.assert_array_equal(read_image(tmp_path / "bilevel.png")[0], pixels * 255)


def test_exif_turns_the_picture_upright_once(tmp_path):
    pixels = random_pixels(channels=1, height=16, width=24)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    upright, metadata = read_image(tmp_path / "turned.png")
    np.testing.assert_array_equal(upright, np.rot90(pixels, -1))
    write_image(tmp_path / "again.png", upright, metadata)
    np.testing.assert_array_equal(read_image(tmp_path / "again.png")[0], upright)


@pytest.mark.parametrize(
    ("name", "dtype"), [("a.png", "uint8"), ("a.png", "uint16"), ("a.jpg", "uint8")]
)
def test_metadata_survives(tmp_path, name, dtype):
    metadata = {"icc_profile": b"not a real profile", "dpi": (300, 300)}
    write_image(tmp_path / name, random_pixels(dtype), metadata)
    _, read = read_image(tmp_path / name)
    assert read["icc_profile"] == metadata["icc_profile"]
    assert read["dpi"] == pytest.approx(metadata["dpi"], abs=0.01)


def test_tiff_keeps_the_colour_profile(tmp_path):
    write_image(tmp_path / "a.tif", random_pixels(), {"icc_profile": b"profile"})
    assert read_image(tmp_path / "a.tif")[1] == {"icc_profile": b"profile"}


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(tmp_path, compression):
    pixels = random_pixels()
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], pixels)


def test_tiff_layouts(tmp_path):
    pixels = random_pixels("uint16")
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", byteorder=">")
    np.testing.assert_array_equal(read_image(tmp_path / "planes.tif")[0], pixels)
    tifffile.imwrite(tmp_path / "inverse.tif", pixels[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "inverse.tif")[0], 65535 - pixels[..., 0])


def encoded(suffix, dtype="uint8"):
    target = io.BytesIO()
    pixels = random_pixels(dtype, 3, 64, 64)
    if suffix == ".tif":
        tifffile.imwrite(target, pixels)
    else:
        Image.fromarray(pixels).save(target, {".png": "PNG", ".jpg": "JPEG", ".bmp": "BMP"}[suffix])
    return target.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
@pytest.mark.parametrize("kept", [0, 3, 9, 30, 0.3, 0.9])
def test_truncated_file(tmp_path, suffix, kept):
    data = encoded(suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(ValueError, match=f"cut{suffix}: (not a readable|cannot be read)") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [30, 0.3, 0.9, 0.999])
def test_truncated_png16(tmp_path, kept):
    path = tmp_path / "cut.png"
    write_image(path, random_pixels("uint16", 3, 64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(ValueError, match="cut.png: (not a readable|cannot be read)"):
        read_image(path)


@given(
    suffix=st.sampled_from([".png", ".jpg", ".bmp", ".tif"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_damaged_bytes_give_an_image_or_a_clear_error(tmp_path_factory, suffix, changes):
    data = bytearray(encoded(suffix))
    for place, value in changes:
        data[int(place**3 * len(data))] = value  # mostly in the header
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(data)
    try:
        result = read_image(path)[0].shape
    except ValueError as error:
        result = str(error)
    assert isinstance(result, tuple) or result.startswith(f"{path}: ")


def test_foreign_files(tmp_path):
    text = tmp_path / "notes.png"
    text.write_text("no image at all")
    with pytest.raises(
        ValueError, match="notes.png: not a readable PNG, JPEG, BMP, TIFF or WebP file"
    ):
        read_image(text)
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "missing.png")
    with pytest.raises(IsADirectoryError):
        read_image(tmp_path)


def test_unsupported_kinds(tmp_path):
    tifffile.imwrite(
        tmp_path / "pages.tif", np.zeros((3, 8, 8), np.uint8), photometric="minisblack"
    )
    with pytest.raises(ValueError, match="it has 3 pages, expected one"):
        read_image(tmp_path / "pages.tif")
    tifffile.imwrite(tmp_path / "long.tif", np.zeros((8, 8), np.int64))
    with pytest.raises(ValueError, match="a TIFF of int64 pixels is not supported; convert"):
        read_image(tmp_path / "long.tif")
    tifffile.imwrite(tmp_path / "complex.tif", np.zeros((8, 8), np.complex64))
    with pytest.raises(ValueError, match="a TIFF of complex64 pixels is not supported"):
        read_image(tmp_path / "complex.tif")


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("a.gif", random_pixels(), "a.gif: the name must end in one of .png, .jpg"),
        ("a.jpg", random_pixels("uint16"), "a .jpg file cannot hold uint16 pixels; use .tif"),
        ("a.png", random_pixels("float32"), "a .png file cannot hold float32 pixels; use .tif"),
        ("a.jpg", random_pixels(channels=4), "a .jpg file cannot hold an alpha channel; use .png"),
        ("a.png", random_pixels(channels=5), "an image has 1 to 4 channels, not 5"),
        ("a.png", np.zeros((0, 4), np.uint8), r"expected pixels .* got \(0, 4\)"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, name, pixels, message):
    with pytest.raises(ValueError, match=message):
        write_image(tmp_path / name, pixels)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/a.png"):
        write_image(tmp_path / "nowhere" / "a.png", random_pixels())


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch, failure):
    path = tmp_path / "a.png"
    path.write_text("old")

    def fail(*_):
        raise failure

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((KeyboardInterrupt, OSError)):
        write_image(path, random_pixels())
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert path.read_text() == "old"


def test_full_disk_leaves_nothing_behind(tmp_path):
    def write(names):
        write_image(names[0], random_pixels(height=99, width=99))

    done = run_forked(with_little_room(write, 1000), tmp_path / "a.png")
    assert b"OSError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_written_file_has_the_usual_permissions(tmp_path):
    write_image(tmp_path / "a.png", random_pixels())
    (tmp_path / "b").write_text("")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_list_images(tmp_path):
    for name in ["b.PNG", "a.jpg", "sub/c.tiff", "notes.txt", ".hidden.png", ".git/d.png"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [str(p) for p in list_images(tmp_path)] == ["a.jpg", "b.PNG", "sub/c.tiff"]
    with pytest.raises(NotADirectoryError, match="notes.txt: not a folder"):
        list_images(tmp_path / "notes.txt")
