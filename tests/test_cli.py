"""The command line as a user meets it: results, messages and exit status."""

import json
import subprocess
import sys

import numpy as np
import pytest

import raisr
from raisr import FilterBank, HashSpec, Stage
from raisr.cli import build_parser, main
from raisr.io import list_images, read_image, write_image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (24, 31), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (24, 31, 3), dtype=np.uint8)


@pytest.fixture
def bank(tmp_path):
    """Path of a bank that returns the image shifted by one pixel: its effect is known exactly."""
    spec = HashSpec.preset("csconv")
    filters = np.zeros((spec.num_classes, 1, 3, 3), np.float32)
    filters[:, 0, 1, 0] = 1
    path = tmp_path / "shift.safetensors"
    FilterBank([Stage(spec, filters, np.zeros(spec.num_classes, np.float32))]).save(path)
    return path


def shifted(pixels):
    return np.concatenate([pixels[:, 1:2], pixels[:, :-1]], axis=1)


@pytest.fixture
def photos(tmp_path):
    """Folder of three images, one in a subfolder, and a note."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    write_image(folder / "a.png", GRAY)
    write_image(folder / "b.tif", COLOUR)
    write_image(folder / "sub" / "c.bmp", GRAY)
    (folder / "notes.txt").write_text("not an image")
    return folder


def fails(capsys, message, *arguments, status=2):
    """Run a command that must fail with one line on stderr, nothing else."""
    assert main([str(a) for a in arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("raisr: ")
    assert err.count("\n") == 1
    assert message in err, err


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
    assert capsys.readouterr().out == f"{target}: 3 denoised, 0 kept, 0 failed\n"
    assert list_images(target) == list_images(photos)
    np.testing.assert_array_equal(read_image(target / "sub/c.bmp")[0], shifted(GRAY))

    (target / "a.png").unlink()
    write_image(target / "b.tif", GRAY)
    assert main(command) == 0
    assert capsys.readouterr().out == f"{target}: 1 denoised, 2 kept, 0 failed\n"
    np.testing.assert_array_equal(read_image(target / "b.tif")[0], GRAY)
    assert main([*command, "--overwrite"]) == 0
    np.testing.assert_array_equal(read_image(target / "b.tif")[0], shifted(COLOUR))


def test_denoise_folder_goes_on_after_a_bad_file(tmp_path, photos, bank, capsys):
    data = (photos / "a.png").read_bytes()
    (photos / "a.png").write_bytes(data[:100])
    assert main(["denoise", "--model", str(bank), str(photos), str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert out.endswith(": 2 denoised, 0 kept, 1 failed\n")
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
    message = "more than the shipped filters are made for; white is taken to be 1: see --white"
    fails(capsys, message, "denoise", source, target)
    assert main(["denoise", "--white", "255", str(source), str(target)]) == 0
    assert read_image(target)[0].std() < 8


@pytest.mark.parametrize("command", ["denoise", "hash", "learn", "folder"])
def test_read_only_folder(tmp_path, photos, capsys, monkeypatch, command):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write in any folder
    locked = tmp_path / "locked"
    locked.mkdir()
    arguments = {
        "denoise": ["denoise", photos / "a.png", locked / "a.png"],
        "folder": ["denoise", photos, locked],
        "hash": ["hash", photos / "a.png", locked / "a.png"],
        "learn": ["learn", "--clean", photos, "--sigma", "9", "-o", locked / "a.safetensors"],
    }[command]
    fails(capsys, "locked: no permission to write in this folder", *arguments)
    assert not any(locked.iterdir())


def test_unknown_bank(tmp_path, photos, capsys):
    arguments = ["--model", "bset", photos / "a.png", tmp_path / "out.png"]
    fails(capsys, "bset: not fast, best or the file of a bank", "denoise", *arguments)
    fails(capsys, "no filter bank at bset", "info", "bset")
    arguments = [
        "--sigma",
        "25",
        "--model",
        "my.safetensors",
        photos / "a.png",
        tmp_path / "out.png",
    ]
    fails(capsys, "--sigma has no effect on the bank my.safetensors", "denoise", *arguments)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x10" + b"\0" * 7 + b"{" * 16])
def test_corrupt_bank(tmp_path, photos, capsys, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    message = "bad.safetensors is not a readable filter bank"
    fails(capsys, message, "denoise", "--model", path, photos / "a.png", tmp_path / "out.png")
    fails(capsys, message, "info", path)
    assert not (tmp_path / "out.png").exists()


def test_truncated_bank(bank, capsys):
    bank.write_bytes(bank.read_bytes()[:-1])
    fails(capsys, "is not a readable filter bank", "info", bank)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "--sigma", "-3", "a", "b"], "expected a level such as 25 or 10%"),
        (["denoise", "--sigma", "nan", "a", "b"], "expected a level such as 25 or 10%"),
        (["denoise", "--threads", "0", "a", "b"], "expected a whole number from 1, got '0'"),
        (["denoise", "a"], "the following arguments are required: OUT"),
        (["learn", "--clean", "a", "-o", "b"], "one of the arguments --sigma --noisy is required"),
        (["colour"], "invalid choice: 'colour'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def write_set(folder, count=3):
    folder.mkdir()
    ramp = np.add.outer(np.arange(40), 3 * np.arange(48))
    for index in range(count):
        pixels = np.rot90(ramp, 2 * index)
        write_image(folder / f"{index}.png", pixels.astype(np.uint8))
    return folder


def test_learn_from_added_noise(tmp_path, capsys):
    clean, path = write_set(tmp_path / "clean"), tmp_path / "new.safetensors"
    command = ["learn", "--clean", clean, "--sigma", "10%", "--size", "3", "-o", path]
    command += ["--spec", "csconv", "--stages", "2", "--seed", "7", "--threads", "1"]
    assert main([str(part) for part in command]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: learned from 3 images")
    bank = FilterBank.load(path)
    assert [stage.size for stage in bank.stages] == [3, 3]
    assert bank.metadata["sigma"] == pytest.approx(25.5)
    assert bank.metadata["seed"] == 7

    pairs = [
        (raisr.noise.add_gaussian_noise(pixels, 25.5, [7, index]), pixels.astype(np.float32))
        for index, pixels in enumerate(read_image(clean / n)[0] for n in list_images(clean))
    ]
    same = raisr.learn_filters(pairs, "csconv", size=3, stages=2, data_range=255)
    np.testing.assert_array_equal(same.stages[1].filters, bank.stages[1].filters)


def test_learn_from_pairs_of_colour_files(tmp_path):
    clean = tmp_path / "clean"
    noisy = tmp_path / "noisy"
    for folder in (clean, noisy):
        folder.mkdir()
    for index in range(2):
        pixels = RNG.integers(20, 200, (40, 48, 3), dtype=np.uint8)
        write_image(noisy / f"{index}.png", pixels)
        write_image(clean / f"{index}.png", pixels + 30)
    path = tmp_path / "offset.safetensors"
    command = ["learn", "--clean", clean, "--noisy", noisy, "--size", "3", "-o", path]
    assert main([str(part) for part in command]) == 0
    image = RNG.integers(20, 200, (30, 30)).astype(np.float32)
    result = FilterBank.load(path).apply(image, data_range=255)
    np.testing.assert_allclose(result, image + 30, atol=0.2)


def test_learn_refuses_bad_input(tmp_path, capsys):
    clean, path = write_set(tmp_path / "clean"), tmp_path / "new.safetensors"
    noise = ["--sigma", "25", "-o", path]
    fails(capsys, "nowhere: not a folder", "learn", "--clean", tmp_path / "nowhere", *noise)
    (tmp_path / "empty").mkdir()
    fails(capsys, "empty: no images", "learn", "--clean", tmp_path / "empty", *noise)
    start = ["learn", "--clean", clean]
    message = "bank: the name of a bank must end in .safetensors"
    fails(capsys, message, *start, "--sigma", "25", "-o", tmp_path / "bank")
    missing = tmp_path / "no" / "new.safetensors"
    fails(capsys, "no: no such folder", *start, "--sigma", "25", "-o", missing)
    fails(capsys, "no preset 'finest'", *start, *noise, "--spec", "finest")
    fails(capsys, "size must be odd", *start, *noise, "--size", "4")

    noisy = write_set(tmp_path / "noisy", count=2)
    pairs = [*start, "--noisy", noisy, "-o", path]
    fails(capsys, "noisy/2.png: 1 of 3 clean images have no noisy image", *pairs)
    write_image(noisy / "2.png", GRAY)
    fails(capsys, "noisy/2.png: it has shape (24, 31), the clean image (40, 48)", *pairs)
    write_image(clean / "1.png", COLOUR.astype(np.uint16))
    fails(capsys, "1.png: it holds uint16 pixels, 0.png uint8", *start, *noise)
    assert not path.exists()
    path.touch()
    fails(capsys, "new.safetensors: already there; pass --overwrite", *start, *noise)


def test_hash_draws_the_classes(tmp_path, capsys):
    write_image(tmp_path / "in.png", COLOUR)
    target = tmp_path / "classes.png"
    assert main(["hash", str(tmp_path / "in.png"), str(target)]) == 0
    picture, _ = read_image(target)
    assert picture.shape == COLOUR.shape
    luma = COLOUR.astype(np.float32) @ np.array([0.29894, 0.58704, 0.11402], np.float32)
    classes = raisr.hash_image(luma, data_range=255)
    for index in np.unique(classes):
        assert len(np.unique(picture[classes == index], axis=0)) == 1
    fails(capsys, "no preset 'x'", "hash", "--spec", "x", tmp_path / "in.png", tmp_path / "o.png")
    fails(capsys, "already there", "hash", tmp_path / "in.png", target)


def test_info(bank, capsys):
    assert main(["info", str(bank)]) == 0
    text = capsys.readouterr().out
    assert "72 classes (orientation x strength x coherence: 8 x 3 x 3)" in text
    assert "72 filters of 3 x 3 on 1 plane(s): 9 multiplications a pixel" in text
    assert "strength_edges     0.06667, 0.1333\n" in text
    assert main(["info", "--json", str(bank)]) == 0
    assert json.loads(capsys.readouterr().out) == FilterBank.load(bank).info()


@pytest.mark.parametrize("command", [None, "denoise", "learn", "hash", "info"])
def test_help_teaches_by_examples_that_parse(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"] if command else ["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    examples = text.split("examples:\n")[1].split("\n\n")[0].splitlines()
    assert examples
    for example in examples:
        name, *arguments = example.strip().split("   ")[0].split()
        assert name == "raisr"
        build_parser().parse_args(arguments)


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "raisr", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"raisr {raisr.__version__}\n"


def test_reader_that_stops_early_is_no_error(bank):
    script = f"import sys; from raisr.cli import main; sys.exit(main(['info', {str(bank)!r}]))"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
