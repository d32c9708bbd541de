"""raisr deblock: quality by tables or pixels, folders, and bad input."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

import raisr
from raisr.cli import main
from raisr.io import read_image, write_image
from raisr.jpeg import compress
from tests.cli.commands import fails
from tests.images import scene

PHOTO = data.astronaut()[20:120, 100:220]


def save_jpeg(path, image, quality, **options):
    Image.fromarray(image).save(path, "JPEG", quality=quality, **options)
    return np.array(Image.open(path))


@pytest.mark.parametrize("model", ["fast", "best"])
def test_the_quality_is_that_of_the_tables(tmp_path, capsys, model):
    small = PHOTO[:20, :20]  # too small to see it in the pixels
    pixels = save_jpeg(tmp_path / "in.jpg", small, 25)
    command = ["deblock", "--model", model, str(tmp_path / "in.jpg"), str(tmp_path / "out.png")]
    assert main(command) == 0
    assert "cleaned of JPEG of quality 25" in capsys.readouterr().out
    wanted = raisr.deblock(pixels, 25, model=model, channel_axis=-1)
    np.testing.assert_array_equal(read_image(tmp_path / "out.png")[0], wanted)


def test_the_quality_is_seen_or_told(tmp_path, capsys):
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    pixels = compress(PHOTO, 30)
    write_image(source, pixels)
    assert main(["deblock", str(source), str(target)]) == 0
    assert "quality 30" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image(target)[0], raisr.deblock(pixels, 30, channel_axis=-1))
    assert main(["deblock", "--overwrite", "--quality", "10", str(source), str(target)]) == 0
    np.testing.assert_array_equal(read_image(target)[0], raisr.deblock(pixels, 10, channel_axis=-1))


def test_what_is_no_jpeg_stays(tmp_path, capsys):
    write_image(tmp_path / "in.png", PHOTO)
    assert main(["deblock", str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 0
    assert "changed nothing" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image(tmp_path / "out.png")[0], PHOTO)


def test_folders_are_resumed(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    save_jpeg(tmp_path / "in" / "a.jpg", PHOTO, 30)
    write_image(tmp_path / "in" / "b.png", scene())
    command = ["deblock", str(tmp_path / "in"), str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "2 cleaned (1 of them next to unchanged), 0 kept, 0 failed" in said
    assert main(command) == 0
    assert "0 cleaned, 2 kept, 0 failed" in capsys.readouterr().out


def test_metadata_tells_the_quality_of_a_jpeg(tmp_path):
    save_jpeg(tmp_path / "in.jpg", PHOTO, 42)
    assert read_image(tmp_path / "in.jpg")[1]["jpeg_quality"] == 42
    write_image(tmp_path / "out.png", *read_image(tmp_path / "in.jpg"))
    assert "jpeg_quality" not in read_image(tmp_path / "out.png")[1]


@pytest.mark.parametrize("quality", ["0", "101", "-5", "10.5", "high"])
def test_bad_qualities(tmp_path, quality, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["deblock", f"--quality={quality}", str(tmp_path / "in.png"), str(tmp_path / "o.png")])
    assert stop.value.code == 2
    assert "expected a whole number from 1 to 100" in capsys.readouterr().err


def test_bad_files(tmp_path, capsys):
    whole = io.BytesIO()
    Image.fromarray(PHOTO).save(whole, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(whole.getvalue()[:900])
    fails(capsys, "cut.jpg", "deblock", tmp_path / "cut.jpg", tmp_path / "out.png")
    fails(capsys, "no such file", "deblock", tmp_path / "none.jpg", tmp_path / "out.png")
    write_image(tmp_path / "in.png", scene((10, 12)))
    fails(capsys, "IN and OUT must differ", "deblock", tmp_path / "in.png", tmp_path / "in.png")
    assert not (tmp_path / "out.png").exists()
