"""Files that need not fit in memory: TIFF and zarr, in and out, damaged and interrupted."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import zarr

from raisr import denoise, denoise_stream, streaming
from tests.images import noisy_scene, random_bytes

pytestmark = pytest.mark.usefixtures("compiled")

STACK = np.stack([random_bytes((150, 131), seed=k) for k in range(3)])
EXPECTED = np.stack([denoise(plane, 20) for plane in STACK])


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(streaming, "_SIDE", 64)


def write_zarr(path, array, chunks=None, **options):
    zarr.create_array(path, data=array, chunks=chunks or "auto", **options)
    return path


@pytest.fixture
def tiled(tmp_path):
    """A stack in a tiled TIFF, by the name of its path."""
    path = tmp_path / "a.tif"
    options = {"tile": (32, 48), "compression": "zlib", "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(path, STACK, photometric="minisblack", **options)
    return path


@pytest.fixture
def chunked(tmp_path):
    return write_zarr(tmp_path / "a.zarr", STACK, (2, 40, 50), dimension_names=list("zyx"))


LAYOUTS = [
    {"tile": (32, 48)},
    {"tile": (16, 16), "compression": "zlib", "predictor": True},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "compression": "zlib"},
    {},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(("dtype", "axes"), [("u1", "YX"), ("u2", "YXS"), ("f4", "SYX")])
def test_tiff_to_tiff(tmp_path, layout, order, big, dtype, axes):
    colours = "S" in axes
    pixels = STACK[:, :90, :100] / np.float32(255)
    pages = np.stack([pixels, 1 - pixels]) if colours else pixels
    if axes == "YXS":
        pages = np.moveaxis(pages, 1, -1)
    pages = (pages * (1 if dtype == "f4" else np.iinfo(dtype).max)).astype(dtype)
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
    told = np.zeros_like(pages)
    steps = denoise_stream(pages, told, axes="Z" + axes, noise="white").steps
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
def test_from_any_to_any(request, tmp_path, source, target):
    source = request.getfixturevalue(source)
    denoise_stream(source, tmp_path / target, 20)
    if target == "b.tif":
        with tifffile.TiffFile(tmp_path / target) as file:
            assert file.series[0].axes == "ZYX"
            np.testing.assert_array_equal(file.asarray(), EXPECTED)
    else:
        array = zarr.open_array(tmp_path / target, mode="r")
        assert array.metadata.dimension_names == ("z", "y", "x")
        assert array.chunks == ((1, 40, 50) if source.suffix == ".zarr" else (1, 32, 48))
        np.testing.assert_array_equal(array[:], EXPECTED)
    out = np.zeros_like(STACK)
    denoise_stream(source, out, 20)
    np.testing.assert_array_equal(out, EXPECTED)


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


def test_smaller_versions_are_left_out(tmp_path):
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
    np.testing.assert_array_equal(found["0"][:], EXPECTED)

    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(STACK[0], subifds=1, tile=(32, 32))
        writer.write(STACK[0, ::2, ::2], subfiletype=1, tile=(32, 32))
    done = denoise_stream(tmp_path / "a.tif", tmp_path / "b.tif", 20)
    assert done.notes == ["smaller versions of the picture were left out"]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), EXPECTED[0])


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


KILLED = """
import os, signal, sys
from raisr import denoise_stream, streaming
streaming._SIDE = 64
done, do = [], streaming._Work.do
def counted(self, *arguments):
    do(self, *arguments)
    done.append(1)
    if len(done) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
streaming._Work.do = counted
denoise_stream(sys.argv[1], sys.argv[2], 20, num_threads=1)
print(len(done))
"""


def run_killed(source, target, after):
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(source), str(target), str(after)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("source", "target", "tiles"),
    [
        ("tiled", "b.tif", 27),  # of 64 x 48
        ("tiled", "b.zarr", 27),
        ("chunked", "b.zarr", 36),  # of 40 x 50
        ("chunked", "b.tif", 3),  # of 512 x 512, a page each
    ],
)
def test_a_killed_run_goes_on(request, tmp_path, source, target, tiles):
    source, finished = request.getfixturevalue(source), tiles // 2
    assert run_killed(source, tmp_path / target, finished + 1).returncode == -signal.SIGKILL
    assert not (tmp_path / target).exists()
    journal = (tmp_path / f"{target}.journal").read_text().splitlines()
    assert len(journal) == 1 + finished  # the last one was written, and not noted
    done = run_killed(source, tmp_path / target, 0)
    assert int(done.stdout) == tiles - finished
    out = np.zeros_like(STACK)
    denoise_stream(tmp_path / target, out, 0)
    np.testing.assert_array_equal(out, EXPECTED)
    assert not (tmp_path / f"{target}.journal").exists()
    assert not (tmp_path / f"{target}.part").exists()


def test_another_run_does_not_go_on_with_it(tmp_path, tiled):
    run_killed(tiled, tmp_path / "b.tif", 3)
    with pytest.raises(ValueError, match="another run, which differs in arrays"):
        denoise_stream(tiled, tmp_path / "b.tif", 21)
    os.utime(tiled, (1, 1))
    with pytest.raises(ValueError, match="another run, which differs in source"):
        denoise_stream(tiled, tmp_path / "b.tif", 20)


@pytest.mark.parametrize("target", ["b.tif", "b.zarr"])
def test_two_runs_do_not_write_one_file(tmp_path, tiled, target, monkeypatch):
    do, refused = streaming._Work.do, []

    def twice(self, *arguments):
        with pytest.raises(BlockingIOError, match="another run is writing it") as caught:
            denoise_stream(tiled, tmp_path / target, 20)
        refused.append(caught.value.filename)
        do(self, *arguments)

    monkeypatch.setattr(streaming._Work, "do", twice)
    denoise_stream(tiled, tmp_path / target, 20)
    assert set(refused) == {str(tmp_path / target)}
    assert sorted(os.listdir(tmp_path)) == ["a.tif", target]
    out = np.zeros_like(STACK)
    monkeypatch.setattr(streaming._Work, "do", do)
    denoise_stream(tmp_path / target, out, 0)
    np.testing.assert_array_equal(out, EXPECTED)


@pytest.mark.parametrize(
    ("target", "other"),
    [
        ("b.tif", np.stack([*STACK, *STACK])),
        ("b.tif", STACK.astype(np.uint16)),
        ("b.tif", STACK[0]),
        ("b.zarr", STACK[0]),
        ("b.zarr", STACK.astype(np.uint16)),
    ],
)
def test_what_a_run_on_another_image_began_is_refused(tmp_path, tiled, target, other):
    run_killed(tiled, tmp_path / target, 3)
    (tmp_path / f"{target}.lock").unlink(missing_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="another run"):
        denoise_stream(other, tmp_path / target, 20, axes="ZYX"[-other.ndim :])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_a_group_began_is_not_taken_for_an_array(tmp_path, chunked):
    group = zarr.create_group(tmp_path / "g.zarr")
    group.create_array("0", data=STACK, chunks=(1, 64, 64))
    group.attrs["multiscales"] = [{"axes": list("zyx"), "datasets": [{"path": "0"}]}]
    run_killed(tmp_path / "g.zarr", tmp_path / "b.zarr", 3)
    with pytest.raises(ValueError, match="b.zarr.part: begun by another run, or damaged"):
        denoise_stream(chunked, tmp_path / "b.zarr", 20)


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
def test_what_a_link_points_to_is_replaced(tmp_path, tiled, name):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / name
    denoise_stream(tiled, real, 0)
    (tmp_path / name).symlink_to(real)
    denoise_stream(tiled, tmp_path / name, 20, overwrite=True)
    assert (tmp_path / name).is_symlink()
    out = np.zeros_like(STACK)
    denoise_stream(real, out, 0)
    np.testing.assert_array_equal(out, EXPECTED)
    assert os.listdir(tmp_path / "real") == [name]


def test_a_file_where_a_zarr_should_be_is_replaced(tmp_path, tiled):
    (tmp_path / "b.zarr").write_text("old")
    denoise_stream(tiled, tmp_path / "b.zarr", 20, overwrite=True)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], EXPECTED)


def test_what_a_kill_left_before_any_tile_is_made_anew(tmp_path, tiled):
    (tmp_path / "b.tif.part").write_bytes(b"half a file")
    denoise_stream(tiled, tmp_path / "b.tif", 20)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), EXPECTED)


@pytest.mark.parametrize("kind", ["short", "bytes", "empty"])
def test_a_damaged_page_in_the_middle(tmp_path, tiled, kind):
    with tifffile.TiffFile(tiled) as file:
        page = file.pages[1].aspage()
        place, count = page.dataoffsets[7], page.databytecounts[7]
        tag = page.tags["TileByteCounts"].valueoffset + 7 * 4
        assert len(page.dataoffsets) == 15
    data = bytearray(tiled.read_bytes())
    if kind == "bytes":
        data[place : place + count] = b"x" * count
    else:
        sizes = np.zeros(1, "<u4") if kind == "empty" else np.array([2**30], "<u4")
        data[tag : tag + 4] = sizes.tobytes()
    tiled.write_bytes(data)
    with pytest.raises(ValueError, match="plane 1, rows .* cannot be read: .*a.tif, page 2: "):
        denoise_stream(tiled, tmp_path / "b.tif", 20)
    noted = (tmp_path / "b.tif.journal").read_text().splitlines()[1:]
    assert sum(line.startswith("0: 0,") for line in noted) == 9  # the first page stays
    assert len(noted) < 18


def test_a_file_that_was_cut(tmp_path, tiled):
    data = tiled.read_bytes()
    for size in (5, 300, len(data) // 2, len(data) - 100):
        tiled.write_bytes(data[:size])
        with pytest.raises(ValueError, match="a.tif"):
            denoise_stream(tiled, tmp_path / "b.tif", 20)
        for left in tmp_path.glob("b.tif.*"):
            left.unlink()


def test_a_zarr_without_a_chunk(tmp_path, chunked):
    (chunked / "c" / "0" / "1" / "1").unlink()
    with pytest.raises(ValueError, match="a.zarr: 1 of its 24 chunks are missing; .* --sparse"):
        denoise_stream(chunked, tmp_path / "b.zarr", 20)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
    denoise_stream(chunked, tmp_path / "b.zarr", 20, sparse=True)
    holed = STACK.copy()
    holed[:2, 40:80, 50:100] = 0
    expected = [denoise(plane, 20) for plane in holed]
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)
    shutil.rmtree(chunked / "c")
    with pytest.raises(ValueError, match="24 of its 24 chunks are missing"):
        denoise_stream(chunked, tmp_path / "c.zarr", 20, sparse=True)


def test_a_damaged_chunk(tmp_path, chunked):
    path = chunked / "c" / "1" / "0" / "1"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="plane 2, rows 0 to .* cannot be read"):
        denoise_stream(chunked, tmp_path / "b.zarr", 20)


@pytest.mark.parametrize("target", ["b.tif", "b.zarr"])
def test_a_full_disk(tmp_path, chunked, target):
    script = (
        "import resource, sys\nfrom raisr import denoise_stream, streaming\n"
        "streaming._SIDE = 64\n"
        "sys.dont_write_bytecode = True  # it would be cut off, for all to come\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))\n"
        "denoise_stream(sys.argv[1], sys.argv[2], 20)\n"
    )
    names = [str(chunked), str(tmp_path / target)]
    done = subprocess.run(
        [sys.executable, "-c", script, *names], capture_output=True, text=True, check=False
    )
    assert "OSError: [Errno 27] File too large" in done.stderr
    assert target in done.stderr
    assert not (tmp_path / target).exists()
    denoise_stream(chunked, tmp_path / target, 20)  # with room it goes on
    out = np.zeros_like(STACK)
    denoise_stream(tmp_path / target, out, 0)
    np.testing.assert_array_equal(out, EXPECTED)


def test_output_that_is_there(tmp_path, tiled, chunked):
    (tmp_path / "b.tif").write_text("precious")
    with pytest.raises(FileExistsError, match="b.tif: already there"):
        denoise_stream(tiled, tmp_path / "b.tif", 20)
    assert (tmp_path / "b.tif").read_text() == "precious"
    denoise_stream(tiled, tmp_path / "b.tif", 20, overwrite=True)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), EXPECTED)
    write_zarr(tmp_path / "b.zarr", STACK[:1, :9])
    denoise_stream(tiled, tmp_path / "b.zarr", 20, overwrite=True)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], EXPECTED)
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


def test_files_of_other_kinds(tmp_path, tiled):
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
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), EXPECTED)
    (tmp_path / "g.zarr" / "zarr.json").write_text(json.dumps({"node_type": "array"}))
    with pytest.raises(ValueError, match="g.zarr: not a readable zarr"):
        denoise_stream(tmp_path / "g.zarr", tmp_path / "c.tif", 20)
    write_zarr(tmp_path / "f.zarr", np.float32([[1, 2], [3, 4]]))
    assert list(tmp_path.glob("b.tif.*")) == []
