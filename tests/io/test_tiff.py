"""TIFF: bands, alpha, pages, depths and tags."""

import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, TiffImagePlugin

from raisr.io import read_image, read_picture, write_image, write_picture

RNG = np.random.default_rng(0)


def pixels_of(dtype, *shape):
    if np.dtype(dtype).kind == "f":
        return RNG.normal(0.5, 1, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def copy(source):
    """Read and write a file with raisr; return the path of the copy."""
    target = source.with_name(f"copy_{source.name}")
    write_picture(target, read_picture(source).pages)
    return target


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    ("photometric", "extra"),
    [
        ("minisblack", ["unspecified"]),
        ("minisblack", ["unspecified"] * 2),
        ("minisblack", ["unassalpha"]),
        ("minisblack", ["unspecified"] * 11),
        ("rgb", ["unspecified"]),
        ("rgb", ["unassalpha"]),
        ("rgb", ["assocalpha"]),
        ("rgb", ["unspecified", "unassalpha"]),
        ("rgb", ["unspecified", "unspecified"]),
    ],
)
def test_bands_and_alpha_keep_their_meaning(tmp_path, planar, photometric, extra):
    channels = len(extra) + (3 if photometric == "rgb" else 1)
    pixels = pixels_of("uint16", 9, 14, channels)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    options = {"photometric": photometric, "planarconfig": planar, "extrasamples": extra}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], pixels)
    with tifffile.TiffFile(copy(tmp_path / "a.tif")) as file:
        page = file.pages.first
        assert [code.name.lower() for code in page.extrasamples] == extra
        assert page.planarconfig.name.lower() == planar
        assert page.photometric.name.lower() == photometric
        np.testing.assert_array_equal(page.asarray(), stored)


def test_a_band_without_a_tag_is_no_alpha(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", pixels_of("uint8", 9, 14, 4), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["ExtraSamples"].overwrite(0)
    assert read_image(tmp_path / "a.tif")[1]["extra"] == ("band",)


def test_resolution_dates_profile_and_words(tmp_path):
    words = "Grüße aus Köln".encode()
    extratags = [
        (271, 2, 0, "Maker", True),
        (315, 2, 0, "Somebody", True),
        (33432, 2, 0, "Nobody", True),
        (700, 1, 8, b"<x:xmp/>", True),
        (33550, 12, 3, (0.5, 0.5, 0.0), True),
        (42113, 2, 0, "-9999", True),
    ]
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels_of("uint16", 9, 14, 3),
        photometric="rgb",
        byteorder=">",
        description=words,
        datetime="2020:02:03 04:05:06",
        software="a scanner",
        resolution=(118.11, 59.055),
        resolutionunit="CENTIMETER",
        iccprofile=b"a profile",
        metadata=None,
        extratags=extratags,
    )
    assert read_image(tmp_path / "a.tif")[1]["dpi"] == pytest.approx((300, 150), rel=1e-4)
    with tifffile.TiffFile(copy(tmp_path / "a.tif")) as file:
        tags = file.pages.first.tags
        assert [tags[code].value for code in (271, 305, 306, 315, 33432, 42113)] == [
            *("Maker", "a scanner", "2020:02:03 04:05:06", "Somebody", "Nobody", "-9999")
        ]
        assert tags[270].value.encode() == words
        assert tags[700].value == b"<x:xmp/>"
        assert tags[33550].value == (0.5, 0.5, 0.0)
        assert file.pages.first.iccprofile == b"a profile"
        dots = [tags[code].value for code in (282, 283)]
        assert [a / b for a, b in dots] == pytest.approx([300, 150], rel=1e-4)
        assert tags[296].value == 2


def test_counts_of_pixels_in_a_unit_of_length(tmp_path):
    """ImageJ stores them as a resolution without a unit, and names the unit elsewhere."""
    options = {"imagej": True, "resolution": (5, 2.5), "metadata": {"unit": "um"}}
    tifffile.imwrite(tmp_path / "a.tif", pixels_of("uint8", 3, 9, 14), **options)
    with tifffile.TiffFile(copy(tmp_path / "a.tif")) as file:
        assert file.imagej_metadata["unit"] == "um"
        for page in file.pages:
            dots = [page.tags[code].value for code in (282, 283)]
            assert [a / b for a, b in dots] == [5, 2.5]
            assert page.tags[296].value == 1


@pytest.mark.parametrize("shape", [(9, 14), (9, 14, 3)], ids=str)
def test_the_shape_in_a_description_is_that_of_the_turned_page(tmp_path, shape, caplog):
    pixels, tag = pixels_of("uint16", *shape), (274, 3, 1, 6, True)
    tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=[tag])
    target = copy(tmp_path / "a.tif")
    caplog.clear()
    np.testing.assert_array_equal(tifffile.imread(target), np.rot90(pixels, -1))
    assert not caplog.records
    with tifffile.TiffFile(target) as file:
        assert file.pages.first.description == f'{{"shape": {[14, 9, *shape[2:]]}}}'


def camera_exif():
    exif = Image.Exif()
    exif[271] = "Maker"
    exif[306] = "2020:02:03 04:05:06"
    exif[34665] = {36867: "2019:01:02 03:04:05", 33434: 0.01}
    exif[34853] = {1: "N"}
    return exif


def check_camera_exif(exif):
    assert exif[271] == "Maker"
    assert exif[306] == "2020:02:03 04:05:06"
    assert exif.get_ifd(34665)[36867] == "2019:01:02 03:04:05"
    assert float(exif.get_ifd(34665)[33434]) == pytest.approx(0.01)
    assert exif.get_ifd(34853)[1] == "N"


@pytest.mark.parametrize("source", ["a.tif", "a.jpg", "a.png", "a.webp"])
@pytest.mark.parametrize("target", ["b.tif", "b.jpg", "b.png", "b.webp"])
def test_exif_and_xmp_between_all_formats(tmp_path, source, target):
    image = Image.fromarray(pixels_of("uint8", 16, 24, 3))
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    options = {"dpi": (300, 300), "exif": camera_exif()}
    if source == "a.tif":
        options = {"dpi": (300, 300), "tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
        for tag, value in {**camera_exif(), 700: packet}.items():
            options["tiffinfo"][tag] = value
    elif source == "a.png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    else:
        options["xmp"] = packet
    image.save(tmp_path / source, **options)
    write_image(tmp_path / target, *read_image(tmp_path / source))
    with Image.open(tmp_path / target) as result:
        result.load()
        check_camera_exif(result.getexif())
        if "webp" not in source + target:
            assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        found = result.tag_v2[700] if target == "b.tif" else result.info["xmp"]
        assert found == packet


@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=9)
)
@pytest.mark.parametrize("target", ["b.tif", "b.jpg", "b.png", "b.webp"])
def test_a_damaged_exif_block_does_not_spoil_the_picture(tmp_path_factory, target, changes):
    block = bytearray(camera_exif().tobytes())
    for place, value in changes:
        block[6 + place % (len(block) - 6)] = value
    pixels = np.full((16, 24, 3), 90, np.uint8)
    folder = tmp_path_factory.mktemp("damaged")
    Image.fromarray(pixels).save(folder / "a.jpg", exif=bytes(block))
    write_image(folder / target, *read_image(folder / "a.jpg"))
    read, _ = read_image(folder / target)
    assert sorted(read.shape) == sorted(pixels.shape)
    assert np.abs(read.astype(int) - 90).max() <= 2


def test_directories_of_exif_are_sorted_as_the_standard_asks(tmp_path):
    image = Image.fromarray(pixels_of("uint8", 16, 24, 3))
    image.save(tmp_path / "a.jpg", exif=camera_exif())
    write_image(tmp_path / "b.tif", *read_image(tmp_path / "a.jpg"))
    data = (tmp_path / "b.tif").read_bytes()
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    codes = [struct.unpack_from("<H", data, start + 2 + 12 * i)[0] for i in range(count)]
    assert codes == sorted(codes)
    assert {34665, 34853} <= set(codes)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_turned_files_are_turned_upright_once(tmp_path, orientation, dtype):
    small = pixels_of("uint8", 9, 14)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(small).save(tmp_path / "pillow.png", exif=exif)
    with Image.open(tmp_path / "pillow.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image)).astype(dtype)
    tag = (274, 3, 1, orientation, True)
    resolution = {"resolution": (300, 150), "resolutionunit": "INCH"}
    tifffile.imwrite(tmp_path / "a.tif", small.astype(dtype), extratags=[tag], **resolution)
    block = exif.tobytes()
    write_image(tmp_path / "a.png", small.astype(dtype), {"exif": block, "dpi": (300, 150)})
    for name in ("a.tif", "a.png"):
        upright, metadata = read_image(tmp_path / name)
        np.testing.assert_array_equal(upright, expected)
        dpi = (150, 300) if orientation > 4 else (300, 150)
        assert metadata["dpi"] == pytest.approx(dpi, abs=0.1)
        again, metadata = read_image(copy(tmp_path / name))
        np.testing.assert_array_equal(again, expected)
        assert metadata["dpi"] == pytest.approx(dpi, abs=0.1)


@pytest.mark.parametrize("compression", ["lzw", "zstd", "zlib", "packbits"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_compressed_files(tmp_path, compression, dtype):
    pytest.importorskip("imagecodecs")
    pixels = pixels_of(dtype, 40, 50, 3)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", compression=compression, tile=(16, 16)
    )
    np.testing.assert_array_equal(tifffile.imread(copy(tmp_path / "a.tif")), pixels)


def test_a_missing_decoder_is_named(tmp_path, monkeypatch):
    pytest.importorskip("imagecodecs")
    tifffile.imwrite(tmp_path / "a.tif", pixels_of("uint16", 9, 14), compression="lzw")

    def refuse(*_, **__):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", refuse)
    with pytest.raises(ValueError, match=r"LZW compression needs imagecodecs: .*\.\[files\]"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["imagej", "ome", "plain"])
def test_stacks_keep_their_axes(tmp_path, kind):
    stack = pixels_of("uint16", 3, 2, 8, 9)
    options = {"plain": {}}.get(kind, {kind: True, "metadata": {"axes": "ZCYX", "spacing": 0.5}})
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        axes = file.series[0].axes
    with tifffile.TiffFile(copy(tmp_path / "a.tif")) as file:
        assert len(file.pages) == 6
        assert file.series[0].axes == axes
        np.testing.assert_array_equal(file.asarray(), stack)
        if kind == "imagej":
            assert file.imagej_metadata["spacing"] == 0.5


def test_pages_of_several_kinds(tmp_path):
    pages = [pixels_of("uint8", 9, 14), pixels_of("uint16", 5, 6, 3), pixels_of("float32", 4, 4)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for index, page in enumerate(pages):
            writer.write(page, description=f"page {index}", metadata=None)
    with tifffile.TiffFile(copy(tmp_path / "a.tif")) as file:
        for index, (page, expected) in enumerate(zip(file.pages, pages, strict=True)):
            np.testing.assert_array_equal(page.asarray(), expected)
            assert page.description == f"page {index}"
    with pytest.raises(ValueError, match=r"a\.png: a \.png file holds one page, not 3"):
        write_picture(tmp_path / "a.png", read_picture(tmp_path / "a.tif").pages)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("contiguous", [True, False])
def test_a_cut_stack_loses_no_page_in_silence(tmp_path, kept, contiguous):
    stack = pixels_of("uint8", 4, 64, 64)
    if contiguous:
        tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    else:
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            for page in stack:
                writer.write(page, metadata=None)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ValueError, match="a.tif: cannot be read: .*"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_damaged_size_asks_for_no_memory(tmp_path, compression):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels_of("uint8", 9, 14), compression=compression)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["ImageLength"].overwrite(2**31 - 1, dtype="I")
    with pytest.raises(ValueError, match="the file is damaged or ends too early"):
        read_image(path)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "float16", "float64"])
def test_other_depths(tmp_path, dtype):
    pixels = pixels_of(dtype, 9, 14)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    found = tifffile.imread(copy(tmp_path / "a.tif"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, pixels)
    with pytest.raises(ValueError, match=f"cannot hold {dtype} pixels; use .tif"):
        write_image(tmp_path / "a.png", pixels)


def test_one_bit(tmp_path):
    bits = pixels_of("uint8", 9, 14) > 127
    tifffile.imwrite(tmp_path / "a.tif", bits, photometric="minisblack")
    Image.fromarray(bits).save(tmp_path / "b.tif", compression="group4")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], bits * 255)
    pytest.importorskip("imagecodecs", minversion="2026.3.6")
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif")[0], bits * 255)


def test_twelve_bits_fill_sixteen(tmp_path):
    pytest.importorskip("imagecodecs", minversion="2026.3.6")
    values = np.array([[0, 1, 2048, 4095]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, bitspersample=12)
    picture = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pages[0].pixels, [[0, 16, 32776, 65535]])
    assert picture.notes == ["12 bits a sample were scaled to 16"]


def test_palette_of_a_tiff(tmp_path):
    image = Image.fromarray(pixels_of("uint8", 9, 14, 3)).quantize(16)
    image.save(tmp_path / "a.tif")
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], expected)


def test_white_at_zero_leaves_alpha_alone(tmp_path):
    pixels = pixels_of("uint8", 9, 14, 2)
    options = {"photometric": "miniswhite", "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, extrasamples=["unassalpha"], **options)
    read, _ = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(read[..., 0], 255 - pixels[..., 0])
    np.testing.assert_array_equal(read[..., 1], pixels[..., 1])


def test_cmyk_becomes_srgb(tmp_path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    for name in ("a.jpg", "a.tif"):
        image.save(tmp_path / name, icc_profile=b"of a press")
        picture = read_picture(tmp_path / name)
        pixels = picture.pages[0].pixels
        assert picture.notes == ["CMYK was turned to sRGB"]
        assert pixels.shape == (8, 8, 3)
        assert pixels[..., 0].min() > 250
        assert pixels[..., 1:].max() < 5
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.pages[0].metadata["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_what_is_not_the_picture_is_refused_or_named(tmp_path):
    small = pixels_of("uint8", 8, 8, 3)
    tag = (50706, 1, 4, b"\1\4\0\0", True)
    tifffile.imwrite(tmp_path / "dng.tif", small, photometric="rgb", extratags=[tag])
    with pytest.raises(ValueError, match="raw camera file; develop it to a TIFF first"):
        read_image(tmp_path / "dng.tif")
    for name, side in (("nef.tif", 16), ("pyramid.tif", 4)):
        with tifffile.TiffWriter(tmp_path / name) as writer:
            writer.write(small, photometric="rgb", subifds=1)
            writer.write(np.zeros((side, side, 3), np.uint8), photometric="rgb", subfiletype=1)
    with pytest.raises(ValueError, match="raw camera file"):
        read_image(tmp_path / "nef.tif")
    notes = read_picture(tmp_path / "pyramid.tif").notes
    assert notes == ["smaller versions of the picture were left out"]
    layers = (37724, 7, 64, b"8BIM" * 16, True)
    tifffile.imwrite(tmp_path / "layers.tif", small, photometric="rgb", extratags=[layers])
    assert "layers" in read_picture(tmp_path / "layers.tif").notes[0]
    stack = pixels_of("uint8", 5, 8, 9)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack", truncate=True)
    with pytest.raises(ValueError, match="a stack of 5 planes behind one page"):
        read_image(tmp_path / "stack.tif")
