"""`raisr denoise` on folders and streams: stopped, resumed, full, and one file of every kind."""

import io
import os
import signal
import time

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

import raisr
from raisr.cli import main
from raisr.io import list_images, read_image, write_image
from tests.cli.commands import fails
from tests.forked import Forked, run_forked
from tests.images import noisy_scene

pytestmark = pytest.mark.usefixtures("compiled")

RNG = np.random.default_rng(0)
SHAPE = (48, 56)


def noisy(channels=1, dtype="uint8", seed=0):
    """Pixels with noise of 8% of white."""
    planes = [noisy_scene(SHAPE, 20, seed + k) / 255 for k in range(channels)]
    pixels = planes[0] if channels == 1 else np.stack(planes, axis=-1)
    if np.dtype(dtype).kind == "f":
        return pixels.astype(dtype)
    return np.rint(pixels.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)


def expected(pixels):
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "ui" else 1
    axis = None if pixels.ndim == 2 else -1
    return raisr.denoise(pixels, 0.08 * white, channel_axis=axis)


def make_every_kind(folder):
    """Write one file of each kind; return its pixels by name, as any viewer shows them."""
    gray, rgb, deep = noisy(), noisy(3), noisy(3, "uint16")
    kinds = {"gray.png": gray, "rgb.png": rgb, "rgb.bmp": rgb}
    for name, pixels in kinds.items():
        Image.fromarray(pixels).save(folder / name)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(rgb).save(folder / "turned.jpg", quality=95, exif=exif, dpi=(300, 300))
    kinds["turned.jpg"] = np.asarray(ImageOps.exif_transpose(Image.open(folder / "turned.jpg")))
    Image.fromarray(rgb).save(folder / "a.webp", lossless=True)
    kinds["a.webp"] = rgb
    Image.fromarray(gray).quantize(32).save(folder / "palette.png")
    kinds["palette.png"] = np.asarray(Image.open(folder / "palette.png").convert("RGB"))
    Image.fromarray(gray > 127).save(folder / "bit.png")
    kinds["bit.png"] = np.uint8(255) * (gray > 127)
    write_image(folder / "deep.png", deep)
    kinds["deep.png"] = deep
    for name, pixels, options in [
        ("lzw.tif", deep, {"compression": "lzw", "photometric": "rgb"}),
        ("float.tif", noisy(1, "float32"), {}),
        ("half.tif", noisy(1, "float16"), {}),
        ("stack.tif", np.stack([noisy(seed=k) for k in range(3)]), {"photometric": "minisblack"}),
        ("imagej.tif", np.stack([noisy(seed=k) for k in range(3)]), {"imagej": True}),
        ("ome.ome.tif", np.stack([noisy(seed=k) for k in range(3)]), {"ome": True}),
    ]:
        tifffile.imwrite(folder / name, pixels, **options)
        kinds[name] = pixels
    Image.fromarray(rgb).convert("CMYK").save(folder / "print.jpg", quality=95)
    kinds["print.jpg"] = np.asarray(Image.open(folder / "print.jpg").convert("RGB"))
    return kinds


def make_what_is_refused(folder):
    """Write what gets one line each; return what the line says, by name."""
    frames = [Image.fromarray(noisy(seed=k)) for k in range(2)]
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:])
    bad = noisy(1, "float32")
    bad[3, 4] = np.nan
    tifffile.imwrite(folder / "nan.tif", bad)
    (folder / "cut.png").write_bytes((folder / "gray.png").read_bytes()[:300])
    tifffile.imwrite(folder / "complex.tif", noisy().astype(np.complex64))
    frames[0].save(folder / "gif.png", "GIF")
    (folder / "words.jpg").write_text("no picture")
    (folder / "empty.tif").touch()
    return {
        "moving.png": "an animation of 2 pictures is not supported",
        "nan.tif": "image is not finite at (3, 4)",
        "cut.png": "cannot be read",
        "complex.tif": "a TIFF of complex64 pixels is not supported",
        "gif.png": "GIF is not supported; convert it to PNG or TIFF first",
        "words.jpg": "not a readable PNG, JPEG, BMP, TIFF or WebP file",
        "empty.tif": "not a readable PNG, JPEG, BMP, TIFF or WebP file",
    }


def test_a_folder_with_one_file_of_every_kind(tmp_path):
    pytest.importorskip("imagecodecs")
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    kinds = make_every_kind(folder)
    refused = make_what_is_refused(folder)
    Image.fromarray(noisy()).save(folder / "a.gif")
    (folder / "movie.mp4").touch()
    (folder / "loop").symlink_to(folder)
    done = run_forked(main, "denoise", "--sigma", "8%", folder, out)
    assert done.returncode == 1
    counts = f"{len(kinds)} denoised, 0 kept, {len(refused)} failed"
    summary = f"{out}: {counts}, 3 passed over: a.gif, loop, movie.mp4\n"
    assert done.stdout.decode() == summary
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("raisr: ")]
    assert len(lines) == len(refused) + 1
    for name, message in refused.items():
        assert [line for line in lines if f"{folder / name}: " in line and message in line], name
        assert not (out / name).exists()
    assert f"raisr: {folder / 'print.jpg'}: CMYK was turned to sRGB" in lines
    assert {str(name) for name in list_images(out)} == set(kinds)
    for name, pixels in kinds.items():
        check_result(out / name, pixels)


def check_result(path, pixels):
    read = tifffile.imread if path.suffix == ".tif" else imageio.imread
    found = read_image(path)[0] if path.name == "deep.png" else read(path)
    stack = pixels.ndim == 3 and pixels.shape[2] != 3
    wanted = np.stack([expected(page) for page in pixels]) if stack else expected(pixels)
    assert found.dtype == wanted.dtype, path
    if path.suffix == ".jpg":  # written with loss
        assert np.abs(found.astype(int) - wanted).mean() < 3, path
    else:
        np.testing.assert_array_equal(found, wanted, err_msg=str(path))


def test_the_picture_of_a_stream_is_that_of_the_file(tmp_path):
    Image.fromarray(noisy(3)).save(tmp_path / "a.png", dpi=(300, 300))
    data = (tmp_path / "a.png").read_bytes()
    done = run_forked(main, "denoise", "--sigma", "8%", "-", "-", data=data)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(b"standard output: removed noise of sigma 20.4 (8% of white)")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.format == "PNG"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        np.testing.assert_array_equal(np.asarray(image), expected(noisy(3)))
    done = run_forked(main, "denoise", "--sigma", "8%", "-", tmp_path / "b.bmp", data=data)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(imageio.imread(tmp_path / "b.bmp"), expected(noisy(3)))
    done = run_forked(main, "denoise", "--sigma", "8%", tmp_path / "b.bmp", "-")
    assert done.stdout.startswith(b"BM")


def test_streams_that_cannot_be(tmp_path):
    done = run_forked(main, "denoise", "-", "-", data=b"no picture")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"raisr: standard input: not a readable PNG, JPEG")
    done = run_forked(main, "denoise", "-", tmp_path)
    assert done.returncode == 2
    assert b"a picture from standard input needs a file name" in done.stderr
    write_image(tmp_path / "a.png", noisy())
    with open("/dev/full", "wb") as full:
        done = run_forked(main, "denoise", tmp_path / "a.png", "-", stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"raisr: No space left on device\n"


def write_folder(folder, count, shape=SHAPE):
    folder.mkdir()
    for index in range(count):
        write_image(folder / f"{index:02}.png", np.tile(noisy(seed=index), (shape[0] // 48, 1)))
    return folder


def wait_in_the_third(arguments):
    replace, done = os.replace, []

    def waiting(*names):
        if len(done) == 2:
            print("waits", flush=True)
            time.sleep(600)
        done.append(replace(*names))

    os.replace = waiting
    return main(arguments)


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_goes_on_without_damage(tmp_path, stop):
    """Stopped where a result is written, and has not its name yet."""
    folder, out = write_folder(tmp_path / "in", 4), tmp_path / "out"
    command = "denoise", "--sigma", "20", folder, out
    with Forked(wait_in_the_third, *command) as process:
        assert process.stdout.readline() == b"waits\n"
        process.send_signal(stop)
        _, err = process.communicate()
    assert process.returncode == (130 if stop == signal.SIGINT else -stop)
    assert len(list_images(out)) == 2
    if stop == signal.SIGINT:
        last = err.decode().splitlines()[-1]
        assert last == "raisr: interrupted: 2 of 4 images are done; the same command goes on"
        assert len(list(out.iterdir())) == 2
    for name in list_images(out):
        imageio.imread(out / name)
    done = run_forked(main, *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == f"{out}: 2 denoised, 2 kept, 0 failed\n"
    assert list_images(out) == list_images(folder)


def test_a_full_disk_stops_the_run_and_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    folder, out = write_folder(tmp_path / "in", 4), tmp_path / "out"
    replace, calls = os.replace, []

    def fail_from_the_third(*names):
        calls.append(names)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        replace(*names)

    command = ["denoise", "--sigma", "20", str(folder), str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail_from_the_third)
        message = "02.png: No space left on device: stopped; 2 of 4 images are left; with more"
        fails(capsys, message, *command, status=1)
    assert len(calls) == 3
    assert [path.name for path in sorted(out.iterdir())] == ["00.png", "01.png"]
    assert main(command) == 0
    assert "2 denoised, 2 kept, 0 failed" in capsys.readouterr().out


def test_folders_where_files_should_be(tmp_path, capsys):
    folder, out = write_folder(tmp_path / "in", 2), tmp_path / "out"
    (folder / "deep.png").mkdir()
    write_image(folder / "deep.png" / "a.png", noisy())
    (out / "00.png").mkdir(parents=True)
    assert main(["denoise", "--sigma", "20", str(folder), str(out)]) == 1
    printed, err = capsys.readouterr()
    assert printed == f"{out}: 2 denoised, 0 kept, 1 failed\n"
    assert f"raisr: {out / '00.png'}: a folder is where the result should go" in err
    assert (out / "deep.png" / "a.png").is_file()
    (tmp_path / "b.safetensors").mkdir()
    noise = ["--sigma", "20", "-o", tmp_path / "b.safetensors"]
    fails(capsys, "b.safetensors: a folder, not a file", "learn", "--clean", folder, *noise)


def test_a_name_and_a_content_that_differ(tmp_path, capsys):
    """The content says what is read, the name what is written."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(noisy()).save(folder / "a.jpg", "PNG")
    Image.fromarray(noisy(4)).save(folder / "b.jpg", "PNG")
    assert main(["denoise", "--sigma", "20", str(folder), str(out)]) == 1
    with Image.open(out / "a.jpg") as image:
        assert image.format == "JPEG"
    assert "b.jpg: a .jpg file cannot hold an alpha channel" in capsys.readouterr().err


def test_a_folder_without_images_names_what_is_there(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for name in [f"{index:02}.gif" for index in range(12)]:
        (tmp_path / "in" / name).touch()
    message = "no images in this folder, 12 passed over: 00.gif, 01.gif"
    fails(capsys, message, "denoise", tmp_path / "in", tmp_path / "out")
    fails(capsys, "09.gif and 2 more", "denoise", tmp_path / "in", tmp_path / "out")


def test_clean_pictures_of_a_folder_are_counted(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", 2)
    write_image(folder / "flat.png", np.full((9, 9), 7, np.uint8))
    assert main(["denoise", str(folder), str(tmp_path / "out")]) == 0
    counts = "3 denoised (1 of them next to unchanged), 0 kept, 0 failed\n"
    assert capsys.readouterr().out.endswith(counts)


def test_pages_need_a_tiff(tmp_path, capsys):
    stack = np.stack([noisy(seed=k) for k in range(3)])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    message = "b.png: {} has 3 pages, which only a .tif file holds"
    source = tmp_path / "a.tif"
    fails(capsys, message.format(source), "denoise", source, tmp_path / "b.png")
    assert main(["denoise", "--sigma", "20", str(source), str(tmp_path / "b.tif")]) == 0
    assert "b.tif: 3 pages: removed noise of sigma 20 " in capsys.readouterr().out
    stack = stack.astype(np.float32)
    stack[1, 2, 3] = np.inf
    tifffile.imwrite(source, stack, photometric="minisblack")
    message = "a.tif, page 2: image is not finite at (2, 3): inf"
    fails(capsys, message, "denoise", source, tmp_path / "c.tif", "--white", "255")


def test_names_that_are_no_text(tmp_path):
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)
    (tmp_path / "in" / "a.png").touch()
    write_image(tmp_path / "b.png", noisy())
    os.rename(tmp_path / "b.png", folder + b"/\xff.png")
    os.rename(tmp_path / "in" / "a.png", folder + b"/\xfe.gif")
    done = run_forked(main, "denoise", "--sigma", "20", tmp_path / "in", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert b"1 denoised, 0 kept, 0 failed, 1 passed over: \\udcfe.gif" in done.stdout
    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"\xff.png"]


def test_no_picture_goes_to_a_terminal(tmp_path, capsys, monkeypatch):
    write_image(tmp_path / "a.png", noisy())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    fails(capsys, "standard output is a terminal", "denoise", tmp_path / "a.png", "-")
