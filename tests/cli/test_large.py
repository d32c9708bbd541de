"""raisr denoise of zarr and of large TIFF files: routed, told, refused."""

import numpy as np
import pytest
import tifffile
import zarr
from skimage import data

import raisr
from raisr import denoise, streaming
from raisr.cli import large, main
from raisr.io import read_image, write_image
from raisr.noise import add_camera_noise, add_gaussian_noise
from tests.cli.commands import fails
from tests.images import noisy_scene
from tests.test_few_values import ordered

STACK = np.stack([noisy_scene((90, 101), seed=k).clip(0, 255).astype(np.uint8) for k in range(3)])


@pytest.fixture
def chunked(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=STACK, chunks=(1, 50, 50), dimension_names=list("zyx"))
    return path


@pytest.fixture
def tiff(tmp_path, monkeypatch):
    monkeypatch.setattr(large, "_LARGE", 1000)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack", metadata={"axes": "ZYX"})
    return path


def run(capsys, *arguments):
    assert main(["denoise", *map(str, arguments)]) == 0
    return capsys.readouterr()


def test_zarr_in_and_out(tmp_path, chunked, capsys):
    told = run(capsys, "--sigma", "8%", chunked, tmp_path / "b.zarr").out
    assert told == f"{tmp_path / 'b.zarr'}: removed noise of sigma 20.4 (8% of white)\n"
    expected = np.stack([denoise(plane, 20.4) for plane in STACK])
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)
    told = run(capsys, "--verbose", chunked, tmp_path / "c.tif")
    assert "% of white), estimated" in told.out
    assert '"step": "white"' in told.err
    told = run(capsys, "--axes", "SYX", "--overwrite", chunked, tmp_path / "b.zarr").out
    expected = denoise(STACK, channel_axis=0)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)


def test_a_dither_is_told(tmp_path, capsys):
    noisy = add_gaussian_noise(ordered(2), 5, 0).round().clip(0, 255).astype(np.uint8)
    zarr.create_array(tmp_path / "a.zarr", data=noisy, dimension_names=list("yx"))
    told = run(capsys, tmp_path / "a.zarr", tmp_path / "b.zarr").out
    assert "b.zarr: removed noise of sigma 5.0" in told
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], denoise(noisy))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--sigma", "0"], "changed nothing: sigma is 0\n"),
        (["--sigma", "2,20,20", "--axes", "SYX"], "removed noise of sigma 2 (0.784% of white), "),
        (["--noise", "photon=8.5,2"], "photon noise of 8.5 a photon and 2 in the dark\n"),
        (["--sigma", "0,20,20", "--axes", "SYX"], ": removed noise of sigma 20 (7.84% of white)\n"),
        (["--noise", "camera", "--axes", "SYX"], "removed camera noise of sigma "),
    ],
)
def test_what_was_done_is_told(tmp_path, chunked, capsys, arguments, text):
    assert text in run(capsys, *arguments, chunked, tmp_path / "b.zarr").out


def test_a_camera_is_told_as_in_a_picture(tmp_path, capsys):
    photo = add_camera_noise(data.astronaut()[:200, 100:300], 0.01, 0, demosaic="edge")
    write_image(tmp_path / "a.png", photo)
    zarr.create_array(tmp_path / "a.zarr", data=photo)
    told = [
        run(capsys, *options, tmp_path / f"a.{kind}", tmp_path / f"b.{kind}").out
        for kind, options in (("png", []), ("zarr", ["--axes", "YXS"]))
    ]
    told = [text.partition(" removed ")[2] for text in told]
    sigma = told[1].partition(" of white")[0]
    assert sigma.startswith("camera noise of sigma ")
    assert told[0].startswith(sigma)


def test_a_picture_that_a_camera_gave_no_noise_is_told_to_stay(tmp_path, capsys):
    photo = data.coffee()[:200, 100:300]
    assert raisr.estimate_noise(photo, channel_axis=-1).kind == "camera"
    write_image(tmp_path / "a.png", photo)
    zarr.create_array(tmp_path / "a.zarr", data=photo)
    for kind, options in (("png", []), ("zarr", ["--axes", "YXS"])):
        told = run(capsys, "--verbose", *options, tmp_path / f"a.{kind}", tmp_path / f"b.{kind}")
        assert "changed nothing: what looks like noise of a camera may be texture (if" in told.out
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], photo)
    np.testing.assert_array_equal(read_image(tmp_path / "b.png")[0], photo)


def test_a_bank_of_the_user(tmp_path, chunked, bank, capsys):
    told = run(capsys, "--model", bank, chunked, tmp_path / "b.zarr").out
    assert "removed what the bank is for" in told
    shifted = np.pad(STACK, ((0, 0), (0, 0), (1, 0)), mode="reflect")[..., :-1]
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], shifted)


def test_a_large_tiff_is_read_part_by_part(tmp_path, tiff, capsys, monkeypatch):
    monkeypatch.setattr("raisr.cli.work.read_picture", None)
    run(capsys, "--sigma", 20, tiff, tmp_path / "b.tif")
    expected = np.stack([denoise(plane, 20) for plane in STACK])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)
    (tmp_path / "in").mkdir()
    tiff.rename(tmp_path / "in" / "a.tif")
    run(capsys, "--sigma", 20, tmp_path / "in", tmp_path / "out")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "a.tif"), expected)


def test_other_large_tiffs_are_read_whole(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(large, "_LARGE", 1000)
    monkeypatch.setattr(large, "stream_with", None)
    monkeypatch.setattr("raisr.cli.denoise.stream_with", lambda *_: None)
    rgba = np.stack([*STACK, STACK[0]], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    run(capsys, "--sigma", 20, tmp_path / "a.tif", tmp_path / "b.tif")
    assert tifffile.imread(tmp_path / "b.tif").shape == rgba.shape


def test_options_without_an_effect_are_refused(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "small.tif", STACK, photometric="minisblack")
    for option in (["--axes", "CYX"], ["--sparse"]):
        arguments = ["denoise", *option, tmp_path / "small.tif", tmp_path / "out.tif"]
        fails(capsys, "--axes and --sparse are for a zarr, or a large TIFF", *arguments)
    assert not (tmp_path / "out.tif").exists()


def test_a_zarr_in_a_folder_is_named_as_one(tmp_path, chunked, capsys):
    assert chunked.parent == tmp_path
    tifffile.imwrite(tmp_path / "small.tif", STACK, photometric="minisblack")
    told = run(capsys, "--sigma", 20, tmp_path, tmp_path / "out").out
    assert told.endswith("1 denoised, 0 kept, 0 failed, 1 passed over: a.zarr\n")


def test_bad_input(tmp_path, chunked, capsys):
    out = tmp_path / "b.zarr"
    zarr.create_array(tmp_path / "n.zarr", data=STACK, chunks=(1, 50, 50))
    fails(
        capsys,
        "n.zarr: source has shape (3, 90, 101) and nothing names its axes",
        "denoise",
        tmp_path / "n.zarr",
        out,
    )
    fails(capsys, "Y, X and others, each once", "denoise", "--axes", "XYX", chunked, out)
    fails(capsys, "must be uint8, uint16", "denoise", _signed(tmp_path), out)
    fails(capsys, "a zarr is for raisr denoise only, and for filters", "upscale", chunked, out)
    fails(capsys, "a zarr is a folder", "denoise", chunked, "-")
    fails(capsys, "must end in .tif, .tiff or .zarr", "denoise", chunked, tmp_path / "b.png")
    floats = zarr.create_array(tmp_path / "f.zarr", data=STACK[0] * np.float32(9))
    fails(capsys, "white is taken to be 1: see --white", "denoise", floats.store.root, out)
    (chunked / "c" / "1" / "1" / "1").unlink()
    fails(capsys, "1 of its 18 chunks are missing", "denoise", chunked, out)
    run(capsys, "--sparse", "--sigma", 20, chunked, out)
    fails(capsys, "already there; pass --overwrite", "denoise", "--sparse", chunked, out)


def _signed(folder):
    zarr.create_array(folder / "s.zarr", data=STACK[0].astype(np.int16))
    return folder / "s.zarr"


def test_interrupted(tmp_path, chunked, capsys, monkeypatch):
    monkeypatch.setattr(streaming, "_SIDE", 50)
    do, done = streaming._Work.do, []

    def interrupted(self, *arguments):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(do(self, *arguments))

    monkeypatch.setattr(streaming._Work, "do", interrupted)
    message = "raisr: interrupted: 4 of 18 tiles are done; the same command goes on"
    fails(capsys, message, "denoise", "--sigma", 20, chunked, tmp_path / "b.zarr", status=130)
    monkeypatch.setattr(streaming._Work, "do", do)
    run(capsys, "--sigma", 20, chunked, tmp_path / "b.zarr")
    expected = np.stack([denoise(plane, 20) for plane in STACK])
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr")[:], expected)
