"""A training set of a few small pictures, for the commands that learn from bsd400."""

from raisr.datasets import Dataset, ImageFile
from raisr.io import write_image

__all__ = ["learn_from"]


def learn_from(monkeypatch, module, folder, pictures, **further):
    """Let a module learn from pictures (name: pixels), hold the second back, and write to a folder.

    `further` are other names of the module, and what they become.
    """
    files = []
    for name, pixels in pictures.items():
        write_image(folder / f"{name}.png", pixels)
        files.append(ImageFile(f"train/{name}.png", folder / f"{name}.png"))
    tiny = Dataset("bsd400", "", "", "tiny", tuple(files))
    for name, value in {
        "HELD_BACK": folder / "hold_back.json",
        "HELD_BACK_IMAGES": slice(1, 2),
        "load_dataset": lambda *_, **__: tiny,
        **further,
    }.items():
        monkeypatch.setattr(module, name, value)
    return tiny
