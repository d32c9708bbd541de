"""raisr upscale: files of every depth, alpha, folders, streams, and bad input."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

import raisr
from raisr import IntelFilters
from raisr.cli import main
from raisr.io import read_image, write_image
from tests.cli.commands import fails
from tests.images import scene


def photo(dtype, channels):
    planes = [scene((20, 24), seed) for seed in range(channels)]
    image = planes[0] if channels == 1 else np.stack(planes, -1)
    return (image.astype(dtype) * 257) if dtype == np.uint16 else image.astype(dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("suffix", "dtype"), [(".png", "u1"), (".png", "u2"), (".tif", "i2")])
def test_upscale_keeps_depth_and_channels(tmp_path, suffix, dtype, channels, capsys):
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    pixels = photo(np.dtype(dtype).type, channels)
    write_image(source, pixels)
    assert main(["upscale", str(source), str(target)]) == 0
    out, _ = read_image(target)
    assert (out.dtype, out.shape) == (pixels.dtype, (40, 48, *pixels.shape[2:]))
    assert "out" in (said := capsys.readouterr().out)
    assert "enlarged by 2 to 48 x 40" in said
    if channels == 1 and dtype != "i2":
        np.testing.assert_array_equal(out, raisr.upscale(pixels))


KINDS = {
    "shaped": {"photometric": "minisblack"},
    "imagej": {"imagej": True, "resolution": (5, 5), "metadata": {"unit": "um", "axes": "ZYX"}},
    "ome": {"ome": True, "metadata": {"axes": "CYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_descriptions_of_a_stack_tell_the_new_size(tmp_path, kind, caplog):
    stack = np.stack([photo(np.uint8, 1), *np.moveaxis(photo(np.uint8, 2), -1, 0)])
    source, target = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    tifffile.imwrite(source, stack, **KINDS[kind])
    assert main(["upscale", str(source), str(target)]) == 0
    caplog.clear()
    with tifffile.TiffFile(target) as file:
        assert file.series[0].shape == (3, 40, 48)
        with tifffile.TiffFile(source) as before:
            assert file.series[0].axes == before.series[0].axes
        page = file.pages.first
        if kind == "imagej":
            assert [page.tags[code].value for code in (282, 283)] == [(10, 1), (10, 1)]
        if kind == "ome":
            told = ('SizeX="48"', 'SizeY="40"', 'PhysicalSizeX="0.1"', 'PhysicalSizeY="0.15"')
            assert all(part in page.description for part in told)
    assert not caplog.records


def test_descriptions_of_bands_tell_the_new_size(tmp_path, caplog):
    pixels = photo(np.uint8, 4)
    for planar in ("contig", "separate"):
        stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
        options = {"photometric": "rgb", "planarconfig": planar, "extrasamples": ["unspecified"]}
        tifffile.imwrite(tmp_path / "a.tif", stored, **options)
        assert (
            main(["upscale", "--overwrite", *map(str, (tmp_path / "a.tif", tmp_path / "b.tif"))])
            == 0
        )
        caplog.clear()
        found = tifffile.imread(tmp_path / "b.tif")
        assert found.shape == ((40, 48, 4) if planar == "contig" else (4, 40, 48))
        assert not caplog.records


@pytest.mark.parametrize("factor", ["1.5", "3", "4"])
def test_factors_and_models(tmp_path, factor):
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, scene((21, 24)))
    assert main(["upscale", "--factor", factor, "--model", "best", str(source), str(target)]) == 0
    wanted = raisr.upscale(scene((21, 24)), float(factor), model="best")
    np.testing.assert_array_equal(read_image(target)[0], wanted)


def test_census(tmp_path):
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, scene((21, 24)))
    assert main(["upscale", "--census", str(source), str(target)]) == 0
    np.testing.assert_array_equal(
        read_image(target)[0], raisr.upscale(scene((21, 24)), census=True)
    )


def test_hidden_colours_change_nothing_that_is_visible(tmp_path):
    pixels = np.dstack([photo(np.uint8, 3), np.full((20, 24), 255, np.uint8)])
    pixels[8:, :, 3] = 0
    results = []
    for value in (0, 255):
        pixels[8:, :, :3] = value
        write_image(tmp_path / "in.png", pixels)
        out = tmp_path / f"{value}.png"
        assert main(["upscale", str(tmp_path / "in.png"), str(out)]) == 0
        results.append(read_image(out)[0])
    np.testing.assert_array_equal(*results)


def test_folders_are_resumed(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        write_image(tmp_path / "in" / f"{name}.png", scene((10, 12)))
    command = ["upscale", str(tmp_path / "in"), str(tmp_path / "out")]
    assert main(command) == 0
    assert "2 enlarged, 0 kept, 0 failed" in capsys.readouterr().out
    assert main(command) == 0
    assert "0 enlarged, 2 kept, 0 failed" in capsys.readouterr().out
    assert read_image(tmp_path / "out" / "a.png")[0].shape == (20, 24)


@pytest.mark.parametrize("factor", ["0", "-1", "1", "2.5", "1e9", "nan", "two"])
def test_bad_factors(tmp_path, factor, capsys):
    write_image(tmp_path / "in.png", scene((10, 12)))
    with pytest.raises(SystemExit) as stop:
        main(["upscale", f"--factor={factor}", str(tmp_path / "in.png"), str(tmp_path / "o.png")])
    assert stop.value.code == 2
    assert "expected 1.5, 2, 3 or 4" in capsys.readouterr().err


def test_bad_files(tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"nothing")
    fails(capsys, "bad.png", "upscale", tmp_path / "bad.png", tmp_path / "out.png")
    fails(capsys, "no such file", "upscale", tmp_path / "none.png", tmp_path / "out.png")
    write_image(tmp_path / "in.png", scene((10, 12)))
    fails(capsys, "IN and OUT must differ", "upscale", tmp_path / "in.png", tmp_path / "in.png")
    assert not (tmp_path / "out.png").exists()


def jpeg(path, quality=20):
    Image.fromarray(data.astronaut()[20:100, 100:200]).save(path, "JPEG", quality=quality)
    return np.array(Image.open(path))


@pytest.mark.parametrize("model", ["fast", "best"])
def test_what_jpeg_left_is_removed_first(tmp_path, capsys, model):
    source, target = tmp_path / "in.jpg", tmp_path / "out.png"
    pixels = jpeg(source)
    assert main(["upscale", "--model", model, str(source), str(target)]) == 0
    assert "cleaned of JPEG of quality 20" in capsys.readouterr().out
    cleaned = raisr.deblock(pixels, 20, model=model, channel_axis=-1)
    wanted = raisr.upscale(cleaned, model=model, channel_axis=-1)
    np.testing.assert_array_equal(read_image(target)[0], wanted)


def test_compression_is_told_or_denied(tmp_path, capsys):
    pixels = jpeg(tmp_path / "in.jpg")
    write_image(tmp_path / "in.png", pixels)
    plain, cleaned = (
        raisr.upscale(pixels, compressed=told, channel_axis=-1) for told in (False, True)
    )
    assert not np.array_equal(plain, cleaned)
    for name, options, wanted in (
        ("in.jpg", ["--no-compressed"], plain),
        ("in.png", [], plain),
        ("in.png", ["--compressed"], cleaned),
    ):
        target = tmp_path / "out.png"
        command = ["upscale", "--overwrite", *options, str(tmp_path / name), str(target)]
        assert main(command) == 0
        np.testing.assert_array_equal(read_image(target)[0], wanted)
        assert ("cleaned" in capsys.readouterr().out) is (wanted is cleaned)


def test_a_folder_of_filters_is_a_model(tmp_path):
    IntelFilters.learn([scene((64, 64), seed) for seed in range(3)]).save(tmp_path / "filters")
    write_image(tmp_path / "in.png", scene((20, 24)))
    target = tmp_path / "out.png"
    command = ["upscale", "--model", str(tmp_path / "filters"), str(tmp_path / "in.png")]
    assert main([*command, str(target)]) == 0
    wanted = raisr.upscale(scene((20, 24)), model=tmp_path / "filters")
    np.testing.assert_array_equal(read_image(target)[0], wanted)
