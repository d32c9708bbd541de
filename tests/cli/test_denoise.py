"""`raisr denoise`: files, folders, levels of noise, and what is refused."""

import numpy as np
import pytest

import raisr
from raisr.cli import main
from raisr.io import list_images, read_image, write_image
from tests.cli.commands import COLOUR, GRAY, RNG, fails


def shifted(pixels):
    return np.concatenate([pixels[:, 1:2], pixels[:, :-1]], axis=1)


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels"),
    [
        (".png", np.uint8, 1),
        (".png", np.uint8, 2),
        (".png", np.uint8, 4),
        (".png", np.uint16, 1),
        (".png", np.uint16, 3),
        (".png", np.uint16, 4),
        (".tif", np.float32, 1),
        (".tif", np.float32, 3),
        (".bmp", np.uint8, 3),
    ],
)
def test_denoise_keeps_depth_and_alpha(tmp_path, bank, suffix, dtype, channels):
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    pixels = (RNG.random((20, 17, channels)) * white).astype(dtype).squeeze()
    if channels in (2, 4):
        pixels[..., -1] = np.maximum(pixels[..., -1], 1)  # nothing is hidden
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_image(source, pixels)
    assert main(["denoise", "--model", str(bank), str(source), str(target)]) == 0
    result, _ = read_image(target)
    expected = shifted(pixels)
    if channels in (2, 4):
        expected[..., -1] = pixels[..., -1]
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
@pytest.mark.parametrize("options", [["--sigma", "25"], ["--model", "best", "--sigma", "4%"], []])
def test_denoise_tiny_images(tmp_path, size, options):
    write_image(tmp_path / "in.png", np.full(size, 90, np.uint8))
    arguments = [*options, tmp_path / "in.png", tmp_path / "out.png"]
    assert main(["denoise", *map(str, arguments)]) == 0
    assert read_image(tmp_path / "out.png")[0].shape == size


def test_denoise_to_another_format_and_into_a_folder(tmp_path, bank):
    write_image(tmp_path / "in.bmp", COLOUR)
    (tmp_path / "folder").mkdir()
    for target in ("out.png", "folder"):
        arguments = ["--model", bank, tmp_path / "in.bmp", tmp_path / target]
        assert main(["denoise", *map(str, arguments)]) == 0
    for target in ("out.png", "folder/in.bmp"):
        np.testing.assert_array_equal(read_image(tmp_path / target)[0], shifted(COLOUR))


def test_denoise_estimates_and_reports_the_noise(tmp_path, capsys):
    noisy = raisr.noise.add_gaussian_noise(np.full((96, 96), 128, np.uint8), 20, seed=0)
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, noisy.round().clip(0, 255).astype(np.uint8))
    assert main(["denoise", str(source), str(target)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{target}: removed noise of sigma ")
    assert out.endswith("% of white), estimated\n")
    assert float(out.split("sigma ")[1].split()[0]) == pytest.approx(20, rel=0.1)
    assert read_image(target)[0].std() < 8


def test_percent_and_values_mean_the_same(tmp_path, capsys):
    source = tmp_path / "in.png"
    write_image(source, GRAY.astype(np.uint16) * 257)
    for name, sigma in [("values.png", "6553.5"), ("percent.png", "10%")]:
        assert main(["denoise", "--sigma", sigma, str(source), str(tmp_path / name)]) == 0
    reports = capsys.readouterr().out.splitlines()
    assert [r.split(": ")[1] for r in reports] == ["removed noise of sigma 6554 (10% of white)"] * 2
    values, percent = (read_image(tmp_path / n)[0] for n in ("values.png", "percent.png"))
    np.testing.assert_array_equal(values, percent)
    assert (values != read_image(source)[0]).any()


def test_denoise_folder(tmp_path, photos, bank, capsys):
    target = tmp_path / "out"
    command = ["denoise", "--model", str(bank), str(photos), str(target)]
    assert main(command) == 0
    assert (
        capsys.readouterr().out
        == f"{target}: 3 denoised, 0 kept, 0 failed, 1 passed over: notes.txt\n"
    )
    assert list_images(target) == list_images(photos)
    np.testing.assert_array_equal(read_image(target / "sub/c.bmp")[0], shifted(GRAY))

    (target / "a.png").unlink()
    write_image(target / "b.tif", GRAY)
    assert main(command) == 0
    assert (
        capsys.readouterr().out
        == f"{target}: 1 denoised, 2 kept, 0 failed, 1 passed over: notes.txt\n"
    )
    np.testing.assert_array_equal(read_image(target / "b.tif")[0], GRAY)
    assert main([*command, "--overwrite"]) == 0
    np.testing.assert_array_equal(read_image(target / "b.tif")[0], shifted(COLOUR))


def test_denoise_folder_goes_on_after_a_bad_file(tmp_path, photos, bank, capsys):
    data = (photos / "a.png").read_bytes()
    (photos / "a.png").write_bytes(data[:100])
    assert main(["denoise", "--model", str(bank), str(photos), str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert out.endswith(": 2 denoised, 0 kept, 1 failed, 1 passed over: notes.txt\n")
    assert f"raisr: {photos / 'a.png'}: cannot be read" in err
    assert len(list_images(tmp_path / "out")) == 2


def test_results_inside_the_source_folder_are_not_denoised_again(photos, bank, capsys):
    command = ["denoise", "--model", str(bank), str(photos), str(photos / "out")]
    for counts in ("3 denoised, 0 kept", "0 denoised, 3 kept"):
        assert main(command) == 0
        assert counts in capsys.readouterr().out


def test_denoise_refuses_bad_input(tmp_path, photos, bank, capsys):
    source, target = photos / "a.png", tmp_path / "out.png"
    fails(capsys, "missing.png: no such file or folder", "denoise", "missing.png", target)
    fails(capsys, "a.png: IN and OUT must differ", "denoise", source, source, "--overwrite")
    fails(capsys, "photos: IN and OUT must differ", "denoise", photos, photos)
    fails(capsys, "out.gif: the name must end in one of", "denoise", source, tmp_path / "out.gif")
    fails(capsys, "notes.txt: not a readable PNG", "denoise", photos / "notes.txt", target)
    fails(capsys, "no: no such folder", "denoise", source, tmp_path / "no/a.png")
    fails(capsys, "a.png: OUT must be a folder", "denoise", photos / "sub", source)
    fails(capsys, "new.png: OUT must be a folder", "denoise", photos, tmp_path / "new.png")
    (tmp_path / "empty").mkdir()
    fails(capsys, "empty: no images in this folder", "denoise", tmp_path / "empty", tmp_path / "o")
    write_image(target, GRAY)
    fails(capsys, "out.png: already there; pass --overwrite", "denoise", source, target)
    np.testing.assert_array_equal(read_image(target)[0], GRAY)


def test_alpha_to_jpeg_is_refused_before_any_work(tmp_path, bank, capsys):
    write_image(tmp_path / "in.png", RNG.integers(0, 256, (8, 8, 4), dtype=np.uint8))
    message = "out.jpg: a .jpg file cannot hold an alpha channel; use .png"
    fails(capsys, message, "denoise", tmp_path / "in.png", tmp_path / "out.jpg")


def test_not_a_number_is_refused(tmp_path, bank, capsys):
    pixels = np.zeros((5, 6), np.float32)
    pixels[3, 4] = np.nan
    write_image(tmp_path / "in.tif", pixels)
    message = "in.tif: image is not finite at (3, 4)"
    arguments = ["--model", bank, tmp_path / "in.tif", tmp_path / "out.tif"]
    fails(capsys, message, "denoise", *arguments)


def test_white_of_float_files(tmp_path, capsys):
    source, target = tmp_path / "in.tif", tmp_path / "out.tif"
    noisy = raisr.noise.add_gaussian_noise(np.full((64, 64), 128), 20, seed=0)
    write_image(source, noisy)
    message = "in.tif: it has values far from black and white; white is taken to be 1: see --white"
    for command in ("denoise", "upscale", "deblock", "sharpen", "hash"):
        fails(capsys, message, command, source, target)
    assert not target.exists()
    assert main(["denoise", "--white", "255", str(source), str(target)]) == 0
    assert read_image(target)[0].std() < 8


@pytest.mark.parametrize(
    ("error", "message", "status"),
    [
        (PermissionError(13, "Permission denied"), "out.png: Permission denied", 2),
        (OSError(28, "No space left on device"), "out.png: No space left on device", 1),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_failed_write(tmp_path, photos, bank, capsys, monkeypatch, error, message, status):
    def fail(*_):
        raise error

    monkeypatch.setattr("os.replace", fail)
    arguments = ["--model", bank, photos / "a.png", tmp_path / "out.png"]
    fails(capsys, message, "denoise", *arguments, status=status)
    assert {p.name for p in tmp_path.iterdir()} == {"photos", "shift.safetensors"}


def test_a_drawing_comes_back_as_it_was(tmp_path, capsys):
    drawing = np.full((60, 200), 255, np.uint8)
    drawing[10:50:4, 20:180:3] = 0
    drawing[30:34, 10:190] = 40
    write_image(tmp_path / "in.png", drawing)
    assert main(["denoise", str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out.png")[0], drawing)
    assert "found no noise" in capsys.readouterr().out
