"""Noise that is found or told, by --noise: pictures are what the library makes of them."""

import numpy as np
import pytest
import tifffile
from skimage import data

import raisr
from raisr import PhotonNoise
from raisr.cli import main
from raisr.colour import rgb_to_gray
from raisr.io import read_image, write_image
from raisr.metrics import psnr
from tests.cli.commands import PART, fails, saved


@pytest.mark.parametrize(
    ("told", "noise", "picture"),
    [
        ("white", "white", "camera"),
        ("mosaic", "mosaic", "camera"),
        ("photon", "photon", "grown"),
        ("photon=8.5,2", PhotonNoise(8.5, 2), "camera"),
        ("photon=8.5", PhotonNoise(8.5), "camera"),
    ],
)
def test_noise_overrules(pictures, told, noise, picture, tmp_path):
    out = tmp_path / "out.png"
    assert main(["denoise", "--noise", told, pictures[picture], str(out)]) == 0
    image = read_image(pictures[picture])[0]
    assert raisr.estimate_noise(image, channel_axis=-1).kind != noise
    expected = raisr.denoise(image, noise=noise, channel_axis=-1)
    np.testing.assert_array_equal(read_image(out)[0], expected)


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
        "noise of a camera is in three channels that differ",
        "denoise",
        "--noise",
        "camera",
        pictures["photon"],
        tmp_path / "out.png",
    )


@pytest.mark.parametrize(
    "options", [["--noise", "camera"], ["--noise", "mosaic"], ["--white", "2"]]
)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_no_treatment_is_told_of_what_fails(options, channels, pictures, tmp_path, capsys):
    gray = read_image(pictures["photon"])[0]
    name = tmp_path / "in.tif"
    extra = {"extrasamples": ["unassalpha"]} if channels in (2, 4) else {}
    stored = np.dstack([gray] * channels) if channels > 1 else gray
    tifffile.imwrite(name, stored, photometric="rgb" if channels > 2 else "minisblack", **extra)
    fails(capsys, "in.tif: ", "denoise", "--verbose", *options, name, tmp_path / "out.tif")


@pytest.mark.parametrize(
    ("kind", "message"),
    [("camera", "three channels that differ"), ("photon", "no such noise fits")],
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


@pytest.mark.parametrize("gain", [0.1, 0.2])
def test_photons_that_are_told_are_removed_though_they_may_be_texture(gain, tmp_path):
    gray = rgb_to_gray(data.coffee())[40:360, 100:420]
    noisy = np.random.default_rng(0).poisson(gray / gain) * gain
    noisy = np.rint(noisy).clip(0, 255).astype(np.uint8)
    out = tmp_path / "out.png"
    assert main(["denoise", "--noise", "photon", saved(tmp_path / "in.png", noisy), str(out)]) == 0
    np.testing.assert_array_equal(read_image(out)[0], raisr.denoise(noisy, noise="photon"))


@pytest.mark.parametrize("sigma", [1, 3, 10])
def test_white_noise_is_removed_as_by_the_library(sigma, tmp_path):
    for image in (data.camera()[:200, :200], data.gravel()[:200, :200], PART):
        noise = np.random.default_rng(0).normal(0, sigma, image.shape)
        noisy = np.rint(image + noise).clip(0, 255).astype(np.uint8)
        out = tmp_path / "out.png"
        arguments = ["denoise", "--overwrite", saved(tmp_path / "in.png", noisy), str(out)]
        assert main(arguments) == 0
        axis = -1 if noisy.ndim == 3 else None
        expected = raisr.denoise(noisy, channel_axis=axis)
        np.testing.assert_array_equal(read_image(out)[0], expected)
