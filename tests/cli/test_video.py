"""Videos through raisr denoise and raisr upscale: what is done, streams, and bad input."""

import signal
import time
import tracemalloc

import numpy as np
import pytest

import raisr
from raisr.cli import main
from raisr.cli.video_noise import find_noises
from raisr.denoising import white_level
from raisr.io.y4m import MAGIC, Frame, VideoHeader, VideoReader, write_frame
from raisr.noise import add_gaussian_noise
from tests.cli.commands import fails
from tests.forked import Forked, run_forked
from tests.images import noisy_scene, scene
from tests.test_treatment import grown

pytestmark = pytest.mark.usefixtures("compiled")

SHAPE = (45, 51)  # odd: the last blocks of chroma are not full


def header_of(colour="420jpeg", shape=SHAPE, more=()):
    return VideoHeader((f"W{shape[1]}", f"H{shape[0]}", "F24000:1001", *more, f"C{colour}"))


def moving(header, count=3, sigma=8.0):
    """Frames whose planes have noise of sigma, 2/3 sigma and 1/3 sigma, in values of 8 bits."""
    frames = []
    for index in range(count):
        planes = []
        for place, shape in enumerate(header.shapes):
            clean = np.roll(scene(shape, seed=place), index, axis=1)
            noisy = add_gaussian_noise(
                clean.astype(np.float32), sigma * (3 - place) / 3, seed=[index, place]
            )
            values = np.rint(noisy * header.white / 255).clip(0, header.largest)
            planes.append(values.astype(header.dtype))
        frames.append(Frame(tuple(planes), f"XN={index}"))
    return frames


def write(path, header, frames):
    with path.open("wb") as file:
        file.write(header.encode())
        for frame in frames:
            write_frame(file, header, frame)
    return path


def read(path):
    with path.open("rb") as file:
        assert file.read(len(MAGIC)) == MAGIC
        found = VideoReader(file, str(path))
        return found.header, list(found)


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def check_frames(found, wanted):
    assert len(found) == len(wanted)
    for frame, planes in zip(found, wanted, strict=True):
        for plane, expected in zip(frame.planes, planes, strict=True):
            np.testing.assert_array_equal(plane, expected)


COLOURS = ["420jpeg", "420mpeg2", "420p10", "422", "444", "444p12", "411", "mono", "mono10"]


@pytest.mark.parametrize("colour", COLOURS)
def test_denoise_filters_each_plane_by_its_level(tmp_path, colour, capsys):
    header = header_of(colour, more=("Ip", "A4:3", "XCOLORRANGE=LIMITED"))
    frames = moving(header)
    levels = [8, 5, 3][: len(header.shapes)]
    told = [level * header.white / 255 for level in levels]
    source, target = write(tmp_path / "in.y4m", header, frames), tmp_path / "out.y4m"
    run("denoise", "--sigma", ",".join(map(str, told)), source, target)
    found, results = read(target)
    assert found == header
    assert [frame.parameters for frame in results] == ["XN=0", "XN=1", "XN=2"]
    check_frames(
        results,
        [
            [
                np.minimum(raisr.denoise(plane, level, data_range=header.white), header.largest)
                for plane, level in zip(frame.planes, told, strict=True)
            ]
            for frame in frames
        ],
    )
    said = capsys.readouterr().out
    assert said.startswith(f"{target}: 3 frames: removed noise of sigma")


@pytest.mark.parametrize("colour", ["420jpeg", "420p10"])
def test_levels_are_found_once_and_do_not_flicker(tmp_path, colour, capsys):
    header = header_of(colour, shape=(60, 80))
    white = header.white
    frames = moving(header, 8) + moving(header, 2, sigma=20.0)
    target = tmp_path / "out.y4m"
    run("denoise", write(tmp_path / "in.y4m", header, frames), target)
    each = [[white_level(p, white=white) for p in frame.planes] for frame in frames[:8]]
    levels = np.median(each, axis=0)
    assert levels[0] == pytest.approx(8 * white / 255, rel=0.25)
    wanted = [
        [
            np.minimum(raisr.denoise(p, s, data_range=white), header.largest)
            for p, s in zip(frame.planes, levels, strict=True)
        ]
        for frame in frames
    ]
    check_frames(read(target)[1], wanted)
    assert "in chroma, estimated" in capsys.readouterr().out


def test_frames_before_any_noise_are_left_as_they_are(tmp_path, capsys):
    header = header_of(shape=(60, 80))
    black = [Frame(tuple(np.full(s, 16, np.uint8) for s in header.shapes))] * 11
    frames = [*black, *moving(header, 9)]
    target = tmp_path / "out.y4m"
    run("denoise", write(tmp_path / "in.y4m", header, frames), target)
    results = read(target)[1]
    check_frames(results[:11], [frame.planes for frame in black])
    assert np.abs(results[11].planes[0].astype(int) - frames[11].planes[0]).mean() > 2
    run("denoise", "--overwrite", write(tmp_path / "in.y4m", header, black), target)
    check_frames(read(target)[1], [frame.planes for frame in black])
    assert "changed nothing: found no noise" in capsys.readouterr().out


def test_photon_noise_is_found_and_told(tmp_path, capsys):
    header = header_of("mono", (160, 200))
    rng = np.random.default_rng(0)
    clean = scene((160, 200)).astype(float).clip(20, 200)
    frames = [
        Frame(((rng.poisson(clean / 2) * 2).clip(0, 255).astype(np.uint8),)) for _ in range(3)
    ]
    source, target = write(tmp_path / "in.y4m", header, frames), tmp_path / "out.y4m"
    run("denoise", source, target)
    assert "in the dark and a gain of " in capsys.readouterr().out
    error = [np.mean((frame.planes[0] - clean) ** 2) for frame in (*frames[:1], *read(target)[1])]
    assert max(error[1:]) < 0.4 * error[0]
    run("denoise", "--overwrite", "--noise", "photon=2", source, target)
    wanted = [[raisr.denoise(f.planes[0], noise=raisr.PhotonNoise(2))] for f in frames]
    check_frames(read(target)[1], wanted)


def test_photons_too_strong_for_filters_are_white_noise_as_in_pictures(monkeypatch):
    frames = [[noisy_scene((64, 70), 20, seed)] for seed in range(3)]
    level = np.median([white_level(luma) for (luma,) in frames])
    for gain, noises in ((2000, [level]), (2, [grown(2).photons])):
        monkeypatch.setattr(raisr, "estimate_noise", lambda luma, gain=gain, **_: grown(gain))
        assert find_noises(frames, None, 255) == noises


def test_fields_of_interlaced_frames_are_filtered_one_by_one(tmp_path):
    header = header_of(more=("It",))
    frames, target = moving(header, 2), tmp_path / "out.y4m"
    run("denoise", "--sigma", "9", write(tmp_path / "in.y4m", header, frames), target)
    wanted = [[plane.copy() for plane in frame.planes] for frame in frames]
    for planes in wanted:
        for plane in planes:
            plane[0::2], plane[1::2] = (raisr.denoise(plane[i::2], 9.0) for i in (0, 1))
    check_frames(read(target)[1], wanted)


def test_a_bank_filters_every_plane(tmp_path, bank):
    header = header_of()
    frames, target = moving(header, 1), tmp_path / "out.y4m"
    run("denoise", "--model", bank, write(tmp_path / "in.y4m", header, frames), target)
    shift = raisr.FilterBank.load(bank)
    check_frames(read(target)[1], [[raisr.denoise(p, model=shift) for p in frames[0].planes]])


def ramps(header, factor):
    """Planes of one ramp over the picture, which was enlarged by a factor: 4 levels a pixel."""
    planes = []
    for place, shape in enumerate(header.shapes):
        siting, steps = (header.siting, header.steps) if place else ((0.5, 0.5), (1, 1))
        rows, columns = (
            (np.arange(count) + site) * step / factor - 0.5
            for count, site, step in zip(shape, siting, steps, strict=True)
        )
        planes.append(10 + np.add.outer(4 * rows, 4 * columns))
    return planes


@pytest.mark.parametrize(
    ("factor", "census"), [(1.5, False), (2, False), (2, True), (3, False), (4, False)]
)
@pytest.mark.parametrize("colour", [*COLOURS, "420paldv"])
def test_upscale_keeps_chroma_in_its_place(tmp_path, colour, factor, census):
    header = header_of(colour, (21, 35), more=("XTEST",))
    unit = header.white / 255
    frame = Frame(tuple((plane * unit).astype(header.dtype) for plane in ramps(header, 1)))
    source, target = write(tmp_path / "in.y4m", header, [frame] * 2), tmp_path / "out.y4m"
    run("upscale", "--factor", factor, *["--census"] * census, source, target)
    found, results = read(target)
    assert found == header.resized(round(21 * factor), round(35 * factor))
    luma = raisr.upscale(frame.planes[0], factor, census=census, data_range=header.white)
    np.testing.assert_array_equal(results[0].planes[0], luma)
    assert len(results) == 2
    for plane, wanted in zip(results[1].planes, ramps(found, factor), strict=True):
        rows, columns = (slice(n // 3, -(n // 3)) for n in plane.shape)
        error = (plane - np.rint(wanted * unit))[rows, columns] / unit
        assert np.abs(error).max() < 1.1
        # Some halves are rounded the other way; half a sample to the side would be 0.5 and more.
        assert abs(error.mean()) < 0.3


def test_interlaced_videos_are_not_enlarged(tmp_path, capsys):
    header = header_of(more=("Ib",))
    source = write(tmp_path / "in.y4m", header, moving(header, 1))
    fails(capsys, f"{source}: it is interlaced", "upscale", source, tmp_path / "out.y4m")
    assert not (tmp_path / "out.y4m").exists()


@pytest.mark.parametrize("command", ["denoise", "upscale"])
def test_a_video_that_breaks_off_leaves_nothing(tmp_path, command, capsys):
    header = header_of()
    source, target = write(tmp_path / "in.y4m", header, moving(header)), tmp_path / "out.y4m"
    target.write_bytes(b"before")
    source.write_bytes(source.read_bytes()[:-1])
    fails(capsys, f"{source}: frame 3 is cut off", command, "--overwrite", source, target)
    assert target.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2


def test_bad_videos_and_options(tmp_path, capsys, bank):
    header = header_of()
    good, out = write(tmp_path / "in.y4m", header, moving(header, 1)), tmp_path / "out.y4m"
    bad = tmp_path / "bad.y4m"
    bad.write_bytes(b"YUV4MPEG2 W7 H0\n")
    fails(capsys, f"{bad}: the header of this Y4M video is bad", "denoise", bad, out)
    bad.write_bytes(header.encode())
    fails(capsys, f"{bad}: it has no frames", "denoise", bad, out)
    bad.write_bytes(b"")
    fails(capsys, f"{bad}: it is empty", "denoise", bad, out)
    fails(capsys, "ends in .y4m", "denoise", good, tmp_path / "out.png")
    fails(capsys, "already there", "denoise", good, bad)
    fails(capsys, "IN and OUT must differ", "denoise", good, good)
    fails(capsys, "2 levels for a video of 3 plane(s)", "denoise", "--sigma", "5,6", good, out)
    fails(capsys, "--noise camera is for pictures", "denoise", "--noise", "camera", good, out)
    fails(capsys, "no such noise fits", "denoise", "--noise", "photon", good, out)
    fails(capsys, "a video, and this command is for pictures", "deblock", good, out)
    assert not out.exists()
    run("denoise", "--sigma", "0", good, out)
    assert out.read_bytes() == good.read_bytes()
    assert "changed nothing: sigma is 0" in capsys.readouterr().out


def test_memory_does_not_grow_with_the_frames(tmp_path):
    header = header_of(shape=(120, 160))
    few = write(tmp_path / "few.y4m", header, moving(header, 20))
    many = write(tmp_path / "many.y4m", header, moving(header, 20) * 8)
    run("denoise", few, tmp_path / "warm.y4m")
    peaks = []
    for source in (few, many):
        tracemalloc.start()
        run("denoise", source, tmp_path / f"out_{source.name}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < many.stat().st_size / 4


def test_streams(tmp_path):
    header = header_of("420p10", more=("Ip",))
    frames = moving(header)
    source = write(tmp_path / "in.y4m", header, frames)
    run("denoise", "--sigma", "20", source, tmp_path / "out.y4m")
    denoise = "denoise", "--sigma", "20", "-", "-"
    done = run_forked(main, *denoise, data=source.read_bytes())
    assert done.returncode == 0
    assert done.stdout == (tmp_path / "out.y4m").read_bytes()
    assert done.stderr.startswith(b"standard output: 3 frames: removed noise of sigma 20")
    done = run_forked(main, "upscale", source, "-")
    assert done.returncode == 0
    assert done.stdout.startswith(header.resized(90, 102).encode())
    assert done.stderr == b"standard output: 3 frames: enlarged by 2 to 102 x 90\n"


def test_a_stream_that_breaks_off_has_whole_frames_only(tmp_path):
    header = header_of()
    data = write(tmp_path / "in.y4m", header, moving(header)).read_bytes()
    done = run_forked(main, "denoise", "--sigma", "9", "-", "-", data=data[:-5])
    assert done.returncode == 2
    assert done.stderr.startswith(b"raisr: standard input: frame 3 is cut off: it has ")
    assert done.stderr.count(b"\n") == 1
    (tmp_path / "out.y4m").write_bytes(done.stdout)
    assert len(read(tmp_path / "out.y4m")[1]) == 2


def test_readers_that_leave_and_disks_that_are_full(tmp_path):
    header = header_of()
    source = write(tmp_path / "in.y4m", header, moving(header, 40))
    command = "denoise", "--sigma", "9", source, "-"
    with Forked(main, *command) as process:
        assert process.stdout.read(len(MAGIC)) == MAGIC
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    with open("/dev/full", "wb") as full:
        done = run_forked(main, *command, stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"raisr: No space left on device\n"


def test_interrupted_by_control_c(tmp_path):
    header, source, target = header_of(), tmp_path / "in.y4m", tmp_path / "out.y4m"
    with Forked(main, "denoise", "--sigma", "9", "-", target) as process:
        process.stdin.write(write(source, header, moving(header)).read_bytes())
        process.stdin.flush()
        source.unlink()
        for _ in range(6000):
            if any(path.stat().st_size for path in tmp_path.iterdir()):
                break
            time.sleep(0.01)
        time.sleep(0.2)  # the frames that it has are done; it waits for more
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert out == b""
    assert err.startswith(b"raisr: interrupted: ")
    assert err.endswith(b" frames were done\n")
    assert list(tmp_path.iterdir()) == []
