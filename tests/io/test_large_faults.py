"""Files that need not fit in memory, damaged and interrupted."""

import multiprocessing
import os
import shutil
import signal

import numpy as np
import pytest
import tifffile
import zarr

from raisr import denoise, denoise_stream, streaming
from tests.forked import run_forked, with_little_room
from tests.io.stacks import STACK

pytestmark = [
    pytest.mark.usefixtures("compiled", "small_tiles"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # threads of zarr, all idle
]


_FORK = multiprocessing.get_context("fork")


def run_killed(source, target, after):
    """Denoise in a process that is killed after so many tiles; its exit code, and their number."""
    done = _FORK.Value("i", 0)
    process = _FORK.Process(target=_count_tiles, args=(source, target, after, done))
    process.start()
    process.join()
    return process.exitcode, done.value


def _count_tiles(source, target, after, done):
    do = streaming._Work.do

    def counted(self, *arguments):
        do(self, *arguments)
        done.value += 1
        if done.value == after:
            os.kill(os.getpid(), signal.SIGKILL)

    streaming._Work.do = counted
    denoise_stream(source, target, 20, num_threads=1)


@pytest.mark.parametrize(
    ("source", "target", "tiles"),
    [
        ("tiled", "b.tif", 27),  # of 64 x 48
        ("tiled", "b.zarr", 27),
        ("chunked", "b.zarr", 36),  # of 40 x 50
        ("chunked", "b.tif", 3),  # of 512 x 512, a page each
    ],
)
def test_a_killed_run_goes_on(request, tmp_path, source, target, tiles, expected):
    source, finished = request.getfixturevalue(source), tiles // 2
    killed = run_killed(source, tmp_path / target, finished + 1)
    assert killed == (-signal.SIGKILL, finished + 1)
    assert not (tmp_path / target).exists()
    journal = (tmp_path / f"{target}.journal").read_text().splitlines()
    assert len(journal) == 1 + finished  # the last one was written, and not noted
    assert run_killed(source, tmp_path / target, 0) == (0, tiles - finished)
    out = np.zeros_like(STACK)
    denoise_stream(tmp_path / target, out, 0)
    np.testing.assert_array_equal(out, expected)
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
def test_two_runs_do_not_write_one_file(tmp_path, tiled, target, monkeypatch, expected):
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
    np.testing.assert_array_equal(out, expected)


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


def test_what_a_kill_left_before_any_tile_is_made_anew(tmp_path, tiled, expected):
    (tmp_path / "b.tif.part").write_bytes(b"half a file")
    (tmp_path / "b.tif.lock").touch()
    denoise_stream(tiled, tmp_path / "b.tif", 20)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)


@pytest.mark.parametrize("name", ["part", "journal", "lock"])
@pytest.mark.parametrize("suffix", ["tif", "zarr"])
def test_what_no_run_left_beside_the_target_stays(tmp_path, chunked, name, suffix):
    mine = tmp_path / f"b.{suffix}.{name}"
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match=f"b.{suffix}.{name}: not left by a run"):
        denoise_stream(chunked, tmp_path / f"b.{suffix}", 20)
    assert mine.read_text() == "mine"
    assert sorted(tmp_path.iterdir()) == [chunked, mine]


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
def test_a_full_disk(tmp_path, chunked, target, expected):
    def denoise_file(names):
        denoise_stream(*names, 20)

    done = run_forked(with_little_room(denoise_file, 1500), chunked, tmp_path / target)
    assert b"OSError: [Errno 27] File too large" in done.stderr
    assert target.encode() in done.stderr
    assert not (tmp_path / target).exists()
    denoise_stream(chunked, tmp_path / target, 20)  # with room it goes on
    out = np.zeros_like(STACK)
    denoise_stream(tmp_path / target, out, 0)
    np.testing.assert_array_equal(out, expected)
