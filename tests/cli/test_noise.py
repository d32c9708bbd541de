"""What the commands tell of noise: `raisr info IMAGE`, --verbose, and --noise that overrules."""

import json

import numpy as np
import pytest
from skimage import data

import raisr
from raisr import PhotonNoise
from raisr.cli import main
from raisr.io import read_image, write_image
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from tests.cli.commands import fails

PART = data.astronaut()[:200, 100:300]


def saved(path, image):
    write_image(path, np.rint(image).clip(0, 255).astype(np.uint8))
    return str(path)


@pytest.fixture
def pictures(tmp_path):
    return {
        "white": saved(tmp_path / "white.png", add_gaussian_noise(PART, 20, 0)),
        "camera": saved(tmp_path / "camera.png", add_camera_noise(PART, 0.01, 0, demosaic="edge")),
        "mosaic": saved(tmp_path / "mosaic.png", add_camera_noise(PART, 0.012, 0)),
        "photon": saved(tmp_path / "photon.png", add_poisson_gaussian_noise(data.coins(), 30, 0)),
        "none": saved(tmp_path / "none.png", np.full((50, 50), 9)),
    }


@pytest.mark.parametrize("kind", ["white", "camera", "mosaic", "photon", "none"])
def test_info_of_an_image(pictures, kind, capsys):
    assert main(["info", "--json", pictures[kind]]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["white"]) == (kind, 255)
    assert list(facts["levels"]) == (
        ["gray"] if kind in ("photon", "none") else ["luma", "red less blue", "green"]
    )
    assert main(["info", pictures[kind]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"noise: {kind} (white is 255)"
    assert lines[1].count("sigma") == 1
    if kind in ("camera", "mosaic"):
        assert lines[-1].endswith("% of each change is made")
    if kind == "photon":
        assert facts["gain"] == pytest.approx(8.5, rel=0.1)
        assert lines[2].startswith("  variance 8.")


def test_info_of_a_file_that_is_no_image(tmp_path, capsys):
    (tmp_path / "a.png").write_text("no")
    fails(capsys, "a.png", "info", tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["camera", "photon"])
def test_verbose_tells_what_was_found_and_chosen(pictures, kind, tmp_path, capsys):
    assert main(["denoise", "--verbose", pictures[kind], str(tmp_path / "out.png")]) == 0
    told = capsys.readouterr()
    assert told.err.startswith(f"noise: {kind}")
    assert "treatment: filters for" in told.err
    assert f"removed {kind} noise of sigma" in told.out


@pytest.mark.parametrize(
    ("told", "noise"),
    [
        ("white", "white"),
        ("mosaic", "mosaic"),
        ("photon", "photon"),
        ("photon=8.5,2", PhotonNoise(8.5, 2)),
        ("photon=8.5", PhotonNoise(8.5)),
    ],
)
def test_noise_overrules(pictures, told, noise, tmp_path):
    out = tmp_path / "out.png"
    assert main(["denoise", "--noise", told, pictures["camera"], str(out)]) == 0
    image = read_image(pictures["camera"])[0]
    expected = raisr.denoise(image, noise=noise, channel_axis=-1)
    difference = read_image(out)[0].astype(int) - expected
    assert np.abs(difference).max() <= (1 if told == "white" else 0)  # one level for all channels


def cells(scale=1, offset=0):
    """Faint cells on black that covers most of the picture, as `photon=4 * scale,0,offset`."""
    clean = np.zeros((96, 96))
    clean[30:60, 20:70] = 40
    return clean * scale + offset, np.random.default_rng(0).poisson(clean / 4) * 4 * scale + offset


def test_told_photons_of_cells_on_black(tmp_path, capsys):
    clean, noisy = cells()
    source, out = saved(tmp_path / "cells.png", noisy), tmp_path / "out.png"
    assert main(["denoise", "--noise", "photon=4", source, str(out)]) == 0
    told = capsys.readouterr().out
    assert "removed photon noise of sigma 5." in told
    assert "estimated" not in told
    result = read_image(out)[0]
    np.testing.assert_array_equal(
        result, raisr.denoise(noisy.astype(np.uint8), noise=PhotonNoise(4))
    )
    assert psnr(result, clean) > psnr(noisy, clean) + 4


def test_told_photons_of_a_picture_in_the_dark(tmp_path, capsys):
    source, out = saved(tmp_path / "dark.png", cells()[1]), tmp_path / "out.png"
    assert main(["denoise", "--noise", "photon=4,0,255", source, str(out)]) == 0
    assert "changed nothing: all is in the dark" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image(out)[0], read_image(source)[0])


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32])
def test_told_photons_of_measured_values(dtype, tmp_path):
    clean, noisy = cells(10, 1000)
    write_image(tmp_path / "in.tif", noisy.astype(dtype))
    arguments = ["--noise", "photon=40,1,1000", tmp_path / "in.tif", tmp_path / "out.tif"]
    assert main(["denoise", *map(str, arguments)]) == 0
    result = read_image(tmp_path / "out.tif")[0]
    wanted = raisr.denoise(
        noisy.astype(np.float32), noise=PhotonNoise(40, 1, 1000), data_range=np.ptp(noisy)
    )
    assert np.abs(result - wanted).max() <= 1
    assert np.abs(result - clean).mean() < 0.7 * np.abs(noisy - clean).mean()


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("pink", "expected white, photon, camera, mosaic or photon=GAIN"),
        ("photon=0", "gain must be positive"),
        ("photon=1,2,3,4", "expected white, photon"),
    ],
)
def test_what_is_no_noise_is_refused(noise, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["denoise", "--noise", noise, "in.png", "out.png"])
    assert message in capsys.readouterr().err


def test_noise_does_not_go_with_sigma(pictures, tmp_path, capsys):
    arguments = ["--noise", "camera", "--sigma", "5", pictures["camera"], tmp_path / "out.png"]
    fails(capsys, "--sigma is the level of white noise", "denoise", *arguments)


def test_a_kind_of_noise_that_the_picture_cannot_have(pictures, tmp_path, capsys):
    fails(
        capsys,
        "noise of a camera is in three channels, got 1",
        "denoise",
        "--noise",
        "camera",
        pictures["photon"],
        tmp_path / "out.png",
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [("camera", "got three that are equal"), ("photon", "no such noise fits")],
)
def test_noise_that_does_not_fit_is_not_passed_over(kind, message, tmp_path, capsys):
    ramp = np.linspace(40, 200, 200) + np.zeros((200, 1))
    noisy = ramp + (220 - ramp) / 10 * np.random.default_rng(0).standard_normal(ramp.shape)
    source = saved(tmp_path / "in.png", np.dstack([noisy] * 3))
    fails(capsys, message, "denoise", "--noise", kind, source, tmp_path / "out.png")


def test_noise_has_no_effect_on_a_bank(pictures, bank, tmp_path, capsys):
    fails(
        capsys,
        "--noise has no effect on the bank",
        "denoise",
        "--noise",
        "white",
        "--model",
        bank,
        pictures["white"],
        tmp_path / "out.png",
    )
