"""WebP, animations, and formats that are refused by name; folders with links."""

import io
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from raisr.io import list_images, read_image, read_picture, write_image
from raisr.io.folders import survey

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_without_loss(tmp_path, channels):
    pixels = RNG.integers(0, 256, (9, 14, channels), np.uint8)
    pixels[:3, :, 3:] = 0
    write_image(tmp_path / "a.webp", pixels)
    np.testing.assert_array_equal(imageio.imread(tmp_path / "a.webp"), pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.webp")[0], pixels)
    with pytest.raises(ValueError, match="a .webp file cannot hold uint16 pixels; use .tif"):
        write_image(tmp_path / "b.webp", pixels.astype(np.uint16))


def test_what_is_too_large_for_a_format_is_said(tmp_path):
    message = "a.jpg: cannot be written as .jpg: EXIF data is too long"
    with pytest.raises(ValueError, match=message):
        write_image(tmp_path / "a.jpg", np.zeros((4, 4), np.uint8), {"exif": bytes(70000)})
    with pytest.raises(ValueError, match="a.webp: cannot be written as .webp"):
        write_image(tmp_path / "a.webp", np.zeros((1, 17000), np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_animations_are_refused(tmp_path, suffix):
    frames = [Image.fromarray(RNG.integers(0, 256, (9, 14, 3), np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="an animation of 3 pictures is not supported"):
        read_image(tmp_path / f"a{suffix}")


def test_only_the_first_picture_of_a_phone_is_kept_and_that_is_said(tmp_path):
    frames = [Image.fromarray(RNG.integers(0, 256, (16, 16, 3), np.uint8)) for _ in range(2)]
    frames[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "a.jpg").notes == ["only the first of its 2 pictures is kept"]


def test_other_formats_are_refused_by_name(tmp_path):
    gif = io.BytesIO()
    Image.new("L", (4, 4)).save(gif, "GIF")
    contents = {
        "GIF": gif.getvalue(),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
        "HEIF": b"\0\0\0\x18ftypheic",
        "AVIF": b"\0\0\0\x18ftypavif",
        "PDF": b"%PDF-1.7",
        "DICOM": bytes(128) + b"DICM",
    }
    for name, data in contents.items():
        (tmp_path / "a.png").write_bytes(data)
        message = f"a.png: {name} is not supported; convert it to PNG or TIFF first"
        with pytest.raises(ValueError, match=message):
            read_image(tmp_path / "a.png")


def test_linked_folders_are_followed_once(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    for name in ("root/z/a.png", "root/notes.txt", "elsewhere/b.jpg", "elsewhere/deep/c.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (root / "a_link").symlink_to(root / "z")  # sorted before the folder itself
    (root / "outside").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    (root / "broken.png").symlink_to(tmp_path / "nowhere")
    (root / "linked.png").symlink_to(root / "z" / "a.png")
    (root / "folder.png").mkdir()
    found = survey(root)
    images = ["linked.png", "outside/b.jpg", "outside/deep/c.tif", "z/a.png"]
    assert [str(name) for name in found.images] == images
    others = ["a_link", "broken.png", "notes.txt", "outside/back"]
    assert [str(name) for name in found.others] == others
    assert list_images(root) == found.images


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    for name in ("locked/a.png", "open/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    iterdir = Path.iterdir

    def refuse(self):  # root may read any folder
        if self.name == "locked":
            raise PermissionError(13, "Permission denied", str(self))
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert survey(tmp_path) == ([Path("open/b.png")], [Path("locked")])
    with pytest.raises(PermissionError):
        survey(tmp_path / "locked")
