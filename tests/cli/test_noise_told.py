"""What the commands tell of noise: `raisr info IMAGE`, --verbose, and what was done."""

import json
import re

import numpy as np
import pytest
import tifffile
from skimage import data

import raisr
from raisr.cli import main
from raisr.io import read_image, write_image
from raisr.noise import add_gaussian_noise, add_poisson_gaussian_noise
from tests.cli.commands import PART, fails, saved
from tests.pages import through_jpeg
from tests.test_few_values import ordered


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


def test_info_tells_of_what_is_left_as_it_is(tmp_path, capsys):
    name = saved(tmp_path / "a.png", np.where(data.coins() > 120, 255, 0))
    assert main(["info", name]) == 0
    assert capsys.readouterr().out.endswith("treatment: nothing is changed\n")
    assert main(["denoise", name, str(tmp_path / "b.png")]) == 0
    assert "changed nothing" in capsys.readouterr().out


@pytest.mark.parametrize("channels", [1, 3])
def test_what_alpha_hides_is_not_looked_at(channels, tmp_path, capsys):
    """Not even where its values are none of an image, or cannot have what noise is told."""
    hidden = np.full((40, 50, channels + 1), 700, np.float32)
    hidden[0, 0], hidden[..., -1] = np.nan, 0
    kinds = {
        "photometric": "rgb" if channels == 3 else "minisblack",
        "extrasamples": ["unassalpha"],
    }
    name, out = str(tmp_path / "a.tif"), str(tmp_path / "b.tif")
    tifffile.imwrite(name, hidden, **kinds)
    assert main(["info", name]) == 0
    assert capsys.readouterr().out.endswith("treatment: nothing is changed: alpha hides all\n")
    for options in ([], ["--verbose"], ["--noise", "camera"], ["--verbose", "--noise", "camera"]):
        assert main(["denoise", "--overwrite", *options, name, out]) == 0
        told = capsys.readouterr()
        assert told.out == f"{out}: changed nothing: alpha hides all\n"
        assert ("treatment: nothing is changed: alpha hides all\n" in told.err) == (
            "--verbose" in options
        )
    np.testing.assert_array_equal(tifffile.imread(out), hidden)


def test_info_names_what_it_cannot_read(tmp_path, capsys):
    image = np.zeros((9, 9), np.float32)
    image[3, 4] = np.nan
    write_image(tmp_path / "n.tif", image)
    fails(capsys, "n.tif: image is not finite at (3, 4)", "info", tmp_path / "n.tif")
    (tmp_path / "v.y4m").write_bytes(b"YUV4MPEG2 W8 H8\n")
    fails(capsys, "v.y4m: neither an image file nor a bank", "info", tmp_path / "v.y4m")


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_info_tells_a_black_that_is_not_zero_in_values_of_the_file(dtype, tmp_path, capsys):
    noisy = np.random.default_rng(0).poisson(data.coins() / 4) * 4 + 1000
    write_image(tmp_path / "in.tif", noisy.astype(dtype))
    assert main(["info", "--json", str(tmp_path / "in.tif")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "photon"
    assert facts["offset"] == pytest.approx(1000, abs=12)
    assert main(["info", str(tmp_path / "in.tif")]) == 0
    assert f"x (brightness - {facts['offset']:.6g}) +" in capsys.readouterr().out


def test_info_of_a_file_that_is_no_image(tmp_path, capsys):
    (tmp_path / "a.png").write_text("no")
    fails(capsys, "a.png", "info", tmp_path / "a.png")


def test_info_says_of_a_white_that_does_not_fit_what_denoise_says(tmp_path, capsys):
    noisy = add_gaussian_noise(data.camera()[:200, :200], 10, 0).astype(np.float32)
    write_image(tmp_path / "in.tif", noisy)
    name, out = str(tmp_path / "in.tif"), str(tmp_path / "out.tif")
    message = "it has values far from black and white; white is taken to be 1: see --white"
    for arguments in (["info", name], ["denoise", name, out], ["denoise", "--verbose", name, out]):
        fails(capsys, f"in.tif: {message}", *arguments)
    assert main(["info", "--white", "255", name]) == 0
    assert "treatment: filters for white noise" in capsys.readouterr().out


def test_what_may_be_texture_is_left_and_it_is_said_how_to_remove_it(tmp_path, capsys):
    name, out = saved(tmp_path / "a.png", data.chelsea()), str(tmp_path / "b.png")
    hint = "what looks like noise of a camera may be texture (if it is noise: --noise camera)"
    assert main(["info", name]) == 0
    assert capsys.readouterr().out.endswith(f"treatment: nothing is changed: {hint}\n")
    assert main(["denoise", name, out]) == 0
    assert capsys.readouterr().out == f"{out}: changed nothing: {hint}\n"
    assert main(["denoise", "--overwrite", "--noise", "camera", name, out]) == 0
    assert "removed camera noise" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--verbose"], ["--verbose", "--sigma", "9"]])
@pytest.mark.parametrize("kind", ["white", "camera", "photon"])
def test_noise_is_looked_for_once(pictures, kind, options, tmp_path, monkeypatch):
    looked, noise_of = [], raisr.estimation.noise_of
    for module in (raisr.cli.noise_report, raisr.steps):
        monkeypatch.setattr(module, "noise_of", lambda *a: looked.append(a) or noise_of(*a))
    assert main(["denoise", *options, pictures[kind], str(tmp_path / "out.png")]) == 0
    assert len(looked) == 1


def test_noise_is_looked_for_in_what_is_visible(tmp_path, capsys):
    """Not in what takes the place of hidden pixels around it, which repeats their noise."""
    noisy = np.random.default_rng(0).normal(120, 9, (128, 128, 4))
    noisy[..., 3], noisy[32:96, 32:96, 3] = 0, 255
    stored = np.rint(noisy).clip(0, 255).astype(np.uint8)
    assert main(["denoise", saved(tmp_path / "a.png", stored), str(tmp_path / "b.png")]) == 0
    told = capsys.readouterr().out
    visible = stored[32:96, 32:96, :3]
    inner = saved(tmp_path / "c.png", visible)
    assert main(["denoise", inner, str(tmp_path / "d.png")]) == 0
    assert capsys.readouterr().out.replace("d.png", "b.png") == told


def test_channels_of_unlike_noise_are_told_one_by_one(tmp_path, capsys):
    noisy = 120 + np.random.default_rng(0).normal(0, (3, 3, 30), (128, 128, 3))
    assert main(["denoise", saved(tmp_path / "a.png", noisy), str(tmp_path / "b.png")]) == 0
    assert re.search(
        r"removed noise of sigma [23]\.\d+, [23]\.\d+, [23]\d\.\d+ \(", capsys.readouterr().out
    )


def test_channels_without_noise_are_not_told(tmp_path, capsys):
    noisy = 120 + np.random.default_rng(0).normal(0, (0, 3, 30), (128, 128, 3))
    assert main(["denoise", saved(tmp_path / "a.png", noisy), str(tmp_path / "b.png")]) == 0
    assert re.search(r"removed noise of sigma [23]\.\d+, [23]\d\.\d+ \(", capsys.readouterr().out)


@pytest.mark.parametrize("kind", ["camera", "photon"])
def test_verbose_tells_what_was_found_and_chosen(pictures, kind, tmp_path, capsys):
    assert main(["denoise", "--verbose", pictures[kind], str(tmp_path / "out.png")]) == 0
    told = capsys.readouterr()
    assert told.err.startswith(f"{pictures[kind]}: noise: {kind}")
    assert "treatment: filters for" in told.err
    assert f"removed {kind} noise of sigma" in told.out


def test_grain_of_film_is_filtered_as_by_the_library(tmp_path, capsys):
    grain = np.random.default_rng(0).normal(0, 15, (200, 200, 1))
    stored = through_jpeg(np.rint(PART + grain).clip(0, 255).astype(np.uint8), 90, halved=True)
    name, out = saved(tmp_path / "in.png", stored), tmp_path / "out.png"
    assert raisr.estimate_noise(stored, channel_axis=-1).kind == "camera"
    assert main(["denoise", "--verbose", name, str(out)]) == 0
    assert "treatment: filters for white noise, that channels share\n" in capsys.readouterr().err
    np.testing.assert_array_equal(read_image(out)[0], raisr.denoise(stored, channel_axis=-1))


@pytest.mark.parametrize(
    ("options", "treatment"),
    [
        (["--sigma", "7"], "filters for white noise, of sigma 7 as given"),
        (["--sigma", "0"], "nothing is changed"),
        (["--sigma", "10%"], "filters for white noise, of sigma 25.5 as given"),
        (["--noise", "white"], "filters for white noise"),
        (["--noise", "photon=8.5,2"], "generalised Anscombe transform, for the noise as given"),
        (["--noise", "mosaic"], "filters for noise of a mosaic filled in by means"),
        (["--model", "BANK"], "the given bank, whatever the noise"),
    ],
)
def test_verbose_tells_what_is_done_with_these_settings(
    pictures, bank, options, treatment, tmp_path, capsys
):
    options = [str(bank) if option == "BANK" else option for option in options]
    arguments = ["--verbose", *options, pictures["camera"], str(tmp_path / "out.png")]
    assert main(["denoise", *arguments]) == 0
    told = capsys.readouterr().err.splitlines()
    assert all(line.startswith(f"{pictures['camera']}: ") for line in told)
    told = [line.removeprefix(f"{pictures['camera']}: ") for line in told]
    assert told[0].startswith("noise: camera")
    (line,) = (line for line in told if line.startswith("treatment: "))
    assert treatment in line
    assert line.endswith(treatment) or "mosaic" in options
    assert any("each change" in line for line in told) == ("mosaic" in options)


def test_verbose_names_each_file_of_a_folder_and_each_page(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    saved(folder / "a.png", add_gaussian_noise(PART, 20, 0))
    tifffile.imwrite(folder / "b.tif", np.full((2, 50, 50), 9, np.uint8))
    assert main(["denoise", "--verbose", str(folder), str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().err.splitlines()
    kinds = [line.removesuffix(" (white is 255)") for line in lines if "noise: " in line]
    assert kinds == [
        f"{folder / 'a.png'}: noise: white",
        f"{folder / 'b.tif'}, page 1: noise: none",
        f"{folder / 'b.tif'}, page 2: noise: none",
    ]
    assert all(
        line.startswith((f"{folder / 'a.png'}: ", f"{folder / 'b.tif'}, p")) for line in lines
    )


def test_verbose_tells_of_a_network(pictures, tmp_path, capsys):
    pytest.importorskip("hybrid.default", reason="PyTorch is not installed")
    for name, treatment in (("white", "a network for white"), ("camera", "filters for noise of a")):
        out = str(tmp_path / f"{name}-out.png")
        assert main(["denoise", "--verbose", "--model", "small", pictures[name], out]) == 0
        assert f"treatment: {treatment}" in capsys.readouterr().err


def test_a_network_removes_white_noise_of_the_level_that_is_told(pictures, tmp_path, capsys):
    default = pytest.importorskip("hybrid.default", reason="PyTorch is not installed")
    start, out = ["denoise", "--verbose", "--model", "small"], tmp_path / "out.tif"
    assert main([*start, "--noise", "white", pictures["camera"], str(out)]) == 0
    told = capsys.readouterr()
    assert "treatment: a network for white noise\n" in told.err
    sigma = float(told.out.split("sigma ")[1].split()[0])
    stored = read_image(pictures["camera"])[0]
    wanted = default.denoise(stored, sigma, model="small", channel_axis=-1)
    difference = read_image(out)[0].astype(int) - wanted
    assert np.abs(difference).max() <= 1  # the level is told in four digits
    arguments = ["--overwrite", "--sigma", "5,5,25", pictures["white"], str(out)]
    assert main([*start, *arguments]) == 0
    told = capsys.readouterr()
    assert "treatment: a network for white noise, of sigma 15 as given\n" in told.err
    assert "removed noise of sigma 15 (" in told.out


def test_noise_as_given_is_for_filters_even_where_it_is_steady(pictures, tmp_path, capsys):
    pytest.importorskip("hybrid.default", reason="PyTorch is not installed")
    out = tmp_path / "out.png"
    options = ["--verbose", "--model", "small", "--noise", "photon=0.00001,9"]
    assert main(["denoise", *options, pictures["white"], str(out)]) == 0
    assert "treatment: filters for white noise, for the noise as given\n" in capsys.readouterr().err
    stored, noise = read_image(pictures["white"])[0], raisr.PhotonNoise(1e-5, 9)
    wanted = raisr.denoise(stored, model="best", noise=noise, channel_axis=-1)
    np.testing.assert_array_equal(read_image(out)[0], wanted)


def test_info_tells_of_every_band(tmp_path, capsys):
    first = add_gaussian_noise(np.full((96, 96, 3), 120.0), 5, 0)
    bands = [add_gaussian_noise(np.full((96, 96), 120.0), sigma, 1) for sigma in (12, 30)]
    stored = np.rint(np.dstack([first, *bands])).clip(0, 255).astype(np.uint8)
    options = {"photometric": "rgb", "extrasamples": ["unspecified"] * 2}
    tifffile.imwrite(tmp_path / "in.tif", stored, **options)
    assert main(["info", "--json", str(tmp_path / "in.tif")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [band["channel"] for band in facts["bands"]] == [4, 5]
    found = [band["levels"]["gray"][0] for band in facts["bands"]]
    assert found == pytest.approx([12, 30], rel=0.1)
    assert main(["info", str(tmp_path / "in.tif")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "noise: " in line] == [
        f"{where}noise: white (white is 255)" for where in ("", "channel 4, ", "channel 5, ")
    ]


@pytest.mark.parametrize(
    ("peak", "options", "told_so"),
    [
        (8, [], {}),
        (30, [], {}),
        (30, ["--sigma", "9"], {"sigma": 9}),
        (30, ["--noise", "photon=8.5,1"], {"noise": raisr.PhotonNoise(8.5, 1)}),
    ],
)
def test_three_equal_channels_are_one_gray_image(peak, options, told_so, tmp_path, capsys):
    gray = np.rint(add_poisson_gaussian_noise(data.coins(), peak, 0)).clip(0, 255).astype(np.uint8)
    told = []
    for name, stored in (("1px", gray), ("3px", np.dstack([gray] * 3))):
        source, out = saved(tmp_path / f"{name}.png", stored), tmp_path / f"{name}-out.png"
        assert main(["denoise", "--verbose", *options, source, str(out)]) == 0
        found = capsys.readouterr()
        told.append([line.replace(name, "") for line in (found.out + found.err).splitlines()])
    assert told[0] == told[1]
    wanted = raisr.denoise(stored, channel_axis=-1, **told_so)
    np.testing.assert_array_equal(read_image(out)[0], wanted)


@pytest.mark.parametrize("count", [1, 3])
def test_a_dither_is_told_from_what_filters_do(count, tmp_path, capsys):
    noisy = [add_gaussian_noise(ordered(2), 5, seed) for seed in range(count)]
    source = saved(tmp_path / "in.png", np.dstack(noisy) if count > 1 else noisy[0])
    for arguments in (["info", source], ["denoise", "--verbose", source, f"{tmp_path}/out.png"]):
        assert main(arguments) == 0
        found = capsys.readouterr()
        assert "treatment: each pixel gets the value that the histogram" in found.out + found.err
    assert re.search(r"removed noise of sigma (4\.9|5)", found.out)
