"""Files that need not fit in memory: TIFF and zarr, in and out."""

import itertools
import json
import os
from functools import cache

import numpy as np
import pytest
import tifffile
import zarr

from raisr import denoise, denoise_stream
from tests.images import noisy_scene
from tests.io.stacks import STACK, write_zarr

pytestmark = pytest.mark.usefixtures("compiled", "small_tiles")

LAYOUTS = [
    {"tile": (32, 48)},
    {"tile": (16, 16), "compression": "zlib", "predictor": True},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "compression": "zlib"},
    {},
]


@cache
def stack_and_result(dtype, axes):
    """Return pages, read-only, what becomes of the array of them, and by which steps."""
    pixels = STACK[:, :90, :100] / np.float32(255)
    pages = np.stack([pixels, 1 - pixels]) if "S" in axes else pixels
    if axes == "YXS":
        pages = np.moveaxis(pages, 1, -1)
    pages = (pages * (1 if dtype == "f4" else np.iinfo(dtype).max)).astype(dtype)
    told = np.zeros_like(pages)
    steps = denoise_stream(pages, told, axes="Z" + axes, noise="white").steps
    pages.flags.writeable = told.flags.writeable = False
    return pages, told, steps


KINDS = [("u1", "YX"), ("u2", "YXS"), ("f4", "SYX")]
FORMATS = itertools.cycle(itertools.product("<>", [False, True]))  # each meets each type


@pytest.mark.parametrize(
    ("layout", "kind", "byte_order"),
    [(*pair, next(FORMATS)) for pair in itertools.product(LAYOUTS, KINDS)],
)
def test_tiff_to_tiff(tmp_path, layout, kind, byte_order):
    (dtype, axes), (order, big) = kind, byte_order
    colours, (pages, told, steps) = "S" in axes, stack_and_result(dtype, axes)
    planar = {"planarconfig": "separate" if axes == "SYX" else "contig"} if colours else {}
    tifffile.imwrite(
        tmp_path / "a.tif",
        pages,
        bigtiff=big,
        byteorder=order,
        photometric="rgb" if colours else "minisblack",
        metadata={"axes": "Z" + axes},
        resolution=(300, 200),
        **planar,
        **layout,
    )
    denoise_stream(tmp_path / "a.tif", tmp_path / "b.tif", model="fast", noise="white")
    axis = axes.index("S") if colours else None
    with tifffile.TiffFile(tmp_path / "a.tif") as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        assert len(b.pages) == len(pages)
        assert b.series[0].axes == "Z" + axes
        np.testing.assert_array_equal(b.asarray(), told)
        for name in ("ImageDescription", "XResolution", "YResolution"):
            assert b.pages.first.tags[name].value == a.pages.first.tags[name].value
        assert b.pages.first.is_tiled == ("tile" in layout)
        assert b.pages.first.tile == layout.get("tile")
        assert b.byteorder == order
    assert steps[0]["step"] == "white"
    assert not np.array_equal(told[0], pages[0])
    if not colours:
        np.testing.assert_array_equal(told[0], denoise(pages[0], steps[0]["level"]))
    else:
        assert axis is not None
    assert sorted(os.listdir(tmp_path)) == ["a.tif", "b.tif"]


@pytest.mark.parametrize("target", ["b.tif", "b.zarr"])
@pytest.mark.parametrize("source", ["tiled", "chunked"])
def test_from_any_to_any(request, tmp_path, source, target, expected):
    source = request.getfixturevalue(source)
    denoise_stream(source, tmp_path / target, 20)
    if target == "b.tif":
        with tifffile.TiffFile(tmp_path / target) as file:
            assert file.series[0].axes == "ZYX"
            np.testing.assert_array_equal(file.asarray(), expected)
    else:
        array = zarr.open_array(tmp_path / target, mode="r")
        assert array.metadata.dimension_names == ("z", "y", "x")
        assert array.chunks == ((1, 40, 50) if source.suffix == ".zarr" else (1, 32, 48))
        np.testing.assert_array_equal(array[:], expected)
    out = np.zeros_like(STACK)
    denoise_stream(source, out, 20)
    np.testing.assert_array_equal(out, expected)


def test_series_of_unlike_pages_keep_their_order(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for index, size in enumerate((90, 50, 90)):
            pixels = noisy_scene((80, size), 10 + 10 * index, index).clip(0, 255).astype("u1")
            writer.write(pixels, description=f"page {index}", metadata=None, contiguous=False)
    steps = denoise_stream(tmp_path / "a.tif", tmp_path / "b.tif").steps
    with tifffile.TiffFile(tmp_path / "a.tif") as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        assert [page.description for page in b.pages] == ["page 0", "page 1", "page 2"]
        for before, after in zip(a.pages, b.pages, strict=True):
            assert after.shape == before.shape
            assert not np.array_equal(after.asarray(), before.asarray())
        assert len(steps) == len(a.series) == 2


def test_hyperstacks_of_imagej_and_ome(tmp_path):
    image = np.stack([STACK, STACK // 2])  # two channels
    tifffile.imwrite(
        tmp_path / "j.tif", image.swapaxes(0, 1), imagej=True, metadata={"axes": "ZCYX"}
    )
    tifffile.imwrite(
        tmp_path / "o.ome.tif", image, photometric="minisblack", metadata={"axes": "CZYX"}
    )
    for name in ("j.tif", "o.ome.tif"):
        steps = denoise_stream(tmp_path / name, tmp_path / f"b_{name}").steps
        assert len(steps) == 2  # levels
        with (
            tifffile.TiffFile(tmp_path / name) as a,
            tifffile.TiffFile(tmp_path / f"b_{name}") as b,
        ):
            assert b.series[0].axes == a.series[0].axes
            assert b.is_imagej == a.is_imagej
            assert b.is_ome == a.is_ome
            found = b.asarray() if name == "o.ome.tif" else b.asarray().swapaxes(0, 1)
        for step, before, after in zip(steps, image, found, strict=True):
            expected = [denoise(plane, step["level"]) for plane in before]
            np.testing.assert_array_equal(after, expected)


def test_channels_may_be_the_colours_of_a_pixel(tmp_path, chunked, tiled):
    expected = denoise(STACK, channel_axis=0)
    denoise_stream(chunked, tmp_path / "b.zarr", axes="SYX")
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)
    denoise_stream(tiled, tmp_path / "b.tif", axes="SYX")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)


def test_smaller_versions_are_left_out(tmp_path, expected):
    group = zarr.create_group(tmp_path / "a.zarr")
    for name, step in (("0", 1), ("1", 2)):
        group.create_array(name, data=STACK[:, ::step, ::step], chunks=(1, 64, 64))
    scales = {
        "axes": [{"name": name, "type": "space"} for name in "zyx"],
        "datasets": [{"path": "0"}, {"path": "1"}],
    }
    group.attrs["ome"] = {"version": "0.5", "multiscales": [scales]}
    done = denoise_stream(tmp_path / "a.zarr", tmp_path / "b.zarr", 20)
    assert done.notes == ["1 smaller versions of the picture were left out"]
    found = zarr.open_group(tmp_path / "b.zarr", mode="r")
    assert list(found) == ["0"]
    assert found.attrs["ome"]["multiscales"][0]["datasets"] == [{"path": "0"}]
    np.testing.assert_array_equal(found["0"][:], expected)

    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(STACK[0], subifds=1, tile=(32, 32))
        writer.write(STACK[0, ::2, ::2], subfiletype=1, tile=(32, 32))
    done = denoise_stream(tmp_path / "a.tif", tmp_path / "b.tif", 20)
    assert done.notes == ["smaller versions of the picture were left out"]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected[0])


def test_second_version_of_zarr(tmp_path):
    source = zarr.create_array(
        tmp_path / "a.zarr", shape=STACK[0].shape, dtype=">u2", chunks=(50, 50), zarr_format=2
    )
    source[:] = STACK[0] * np.uint16(257)
    source.attrs["_ARRAY_DIMENSIONS"] = ["x", "y"]
    denoise_stream(tmp_path / "a.zarr", tmp_path / "b.zarr", 20 * 257)
    found = zarr.open_array(tmp_path / "b.zarr", mode="r")
    assert found.metadata.zarr_format == 2
    assert found.attrs["_ARRAY_DIMENSIONS"] == ["x", "y"]
    expected = denoise(STACK[0].T * np.uint16(257), 20 * 257).T
    np.testing.assert_array_equal(found[:], expected)


@pytest.mark.parametrize(("axes", "stored"), [("YXC", "YXS"), ("YSX", "YXS"), ("YZX", "YX")])
def test_axes_by_which_pages_would_be_something_else(tmp_path, axes, stored):
    options = {"photometric": "rgb"} if "S" in stored else {"photometric": "minisblack"}
    pixels = np.moveaxis(STACK, 0, -1) if "S" in stored else STACK
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    with pytest.raises(ValueError, match=f"axes {axes} do not fit .* whose pages are {stored}"):
        denoise_stream(tmp_path / "a.tif", tmp_path / "b.tif", 20, axes=axes)
    assert os.listdir(tmp_path) == ["a.tif"]


def test_rows_and_columns_may_change_their_names(tmp_path, tiled):
    denoise_stream(tiled, tmp_path / "b.tif", 20, axes="ZXY")
    expected = np.stack([denoise(plane.T, 20).T for plane in STACK])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)


@pytest.mark.parametrize("name", ["b.tif", "b.zarr"])
def test_what_a_link_points_to_is_replaced(tmp_path, tiled, name, expected):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / name
    denoise_stream(tiled, real, 0)
    (tmp_path / name).symlink_to(real)
    denoise_stream(tiled, tmp_path / name, 20, overwrite=True)
    assert (tmp_path / name).is_symlink()
    out = np.zeros_like(STACK)
    denoise_stream(real, out, 0)
    np.testing.assert_array_equal(out, expected)
    assert os.listdir(tmp_path / "real") == [name]


def test_a_file_where_a_zarr_should_be_is_replaced(tmp_path, tiled, expected):
    (tmp_path / "b.zarr").write_text("old")
    denoise_stream(tiled, tmp_path / "b.zarr", 20, overwrite=True)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)


def test_output_that_is_there(tmp_path, tiled, chunked, expected):
    (tmp_path / "b.tif").write_text("precious")
    with pytest.raises(FileExistsError, match="b.tif: already there"):
        denoise_stream(tiled, tmp_path / "b.tif", 20)
    assert (tmp_path / "b.tif").read_text() == "precious"
    denoise_stream(tiled, tmp_path / "b.tif", 20, overwrite=True)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)
    write_zarr(tmp_path / "b.zarr", STACK[:1, :9])
    denoise_stream(tiled, tmp_path / "b.zarr", 20, overwrite=True)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)
    (tmp_path / "c.zarr").mkdir()
    (tmp_path / "c.zarr" / "mine.txt").write_text("precious")
    with pytest.raises(IsADirectoryError, match="a folder that is no zarr is not replaced"):
        denoise_stream(tiled, tmp_path / "c.zarr", 20, overwrite=True)
    with pytest.raises(ValueError, match="source and target must differ"):
        denoise_stream(chunked, chunked, 20, overwrite=True)
    with pytest.raises(ValueError, match="journal is for arrays"):
        denoise_stream(tiled, tmp_path / "d.tif", 20, journal=tmp_path / "journal")
    with pytest.raises(ValueError, match="noise of a camera is in three channels"):
        denoise_stream(tiled, tmp_path / "d.tif", noise="camera")
    assert list(tmp_path.glob("d.tif*")) == []  # nothing was begun
    with pytest.raises(ValueError, match="must end in .tif, .tiff or .zarr"):
        denoise_stream(tiled, tmp_path / "b.png", 20)


def test_files_of_other_kinds(tmp_path, tiled, expected):
    tifffile.imwrite(tmp_path / "i.tif", STACK.astype(np.int16), photometric="minisblack")
    tifffile.imwrite(tmp_path / "p.tif", STACK[0], colormap=np.zeros((3, 256), np.uint16))
    rgba = np.stack([*STACK, STACK[0]], axis=-1)
    tifffile.imwrite(tmp_path / "r.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    for name in ("i.tif", "p.tif", "r.tif"):
        with pytest.raises(ValueError, match=f"{name}: only gray and RGB pixels"):
            denoise_stream(tmp_path / name, tmp_path / "b.tif", 20)
    (tmp_path / "t.txt").write_text("text")
    with pytest.raises(ValueError, match="neither a TIFF file nor a zarr"):
        denoise_stream(tmp_path / "t.txt", tmp_path / "b.tif", 20)
    with pytest.raises(FileNotFoundError):
        denoise_stream(tmp_path / "none.tif", tmp_path / "b.tif", 20)
    with pytest.raises(FileNotFoundError, match="none/b.tif'$"):
        denoise_stream(tiled, tmp_path / "none" / "b.tif", 20)
    zarr.create_group(tmp_path / "g.zarr").create_array("x", data=STACK)
    with pytest.raises(ValueError, match="a group of x, not an OME image; name one of its arrays"):
        denoise_stream(tmp_path / "g.zarr", tmp_path / "b.tif", 20)
    denoise_stream(tmp_path / "g.zarr" / "x", tmp_path / "b.tif", 20, axes="ZYX")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)
    (tmp_path / "g.zarr" / "zarr.json").write_text(json.dumps({"node_type": "array"}))
    with pytest.raises(ValueError, match="g.zarr: not a readable zarr"):
        denoise_stream(tmp_path / "g.zarr", tmp_path / "c.tif", 20)
    write_zarr(tmp_path / "f.zarr", np.float32([[1, 2], [3, 4]]))
    assert list(tmp_path.glob("b.tif.*")) == []
