"""Named image sets: embedded, found in $RAISR_DATA, or fetched when asked to.

`datasets.toml` lists the sets, their files, public addresses and checksums. Nothing is ever
downloaded unless `download=True`.
"""

import hashlib
import io
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from raisr.colour import rgb_to_gray

_REGISTRY = Path(__file__).with_name("datasets.toml")


@dataclass(frozen=True)
class ImageFile:
    """One image of a set.

    Attributes
    ----------
    name : str
        Unique in its folder.
    path : Path
        Where its file lies.
    gray : bool
        Whether the set is one of gray images, though the file may be in colour.
    """

    name: str
    path: Path
    gray: bool = False

    def read(self) -> NDArray[np.uint8]:
        """Return the image, (H, W) or (H, W, 3) uint8."""
        try:
            image = _read_pixels(self.path.read_bytes())
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.path}: not a readable image: {error}") from error
        if image.dtype != np.uint8 or (image.ndim != 2 and image.shape[2:] != (3,)):
            raise ValueError(
                f"{self.path}: wanted an 8-bit gray or RGB image, "
                f"got {image.dtype} of shape {image.shape}"
            )
        return rgb_to_gray(image) if self.gray else image


@dataclass(frozen=True)
class Picture(ImageFile):
    """A picture of the user's, of any kind that `raisr.io.read_image` reads."""

    def read(self) -> NDArray[np.uint8]:
        """Return the picture with 8 bits and without alpha, (H, W) or (H, W, 3) uint8."""
        from raisr.io import read_image

        pixels, _ = read_image(self.path)
        if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
            pixels = pixels[..., :-1]
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[..., 0]
        if pixels.dtype == np.uint16:
            pixels = np.rint(pixels / 257).astype(np.uint8)
        if pixels.dtype != np.uint8 or (pixels.ndim == 3 and pixels.shape[2] != 3):
            raise ValueError(
                f"{self.path}: wanted a gray or RGB picture of 8 or 16 bits, "
                f"got {pixels.dtype} of shape {pixels.shape}"
            )
        return pixels


@dataclass(frozen=True)
class Dataset:
    """A named list of images.

    Attributes
    ----------
    name, label, note : str
        Name on the command line, heading in a table, and what a reader of the table must know.
    folder : str
        Folder that holds the files; sets that share images share the folder.
    images : tuple of ImageFile
    """

    name: str
    label: str
    note: str
    folder: str
    images: tuple[ImageFile, ...]

    def __iter__(self) -> Iterator[ImageFile]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)


def dataset_names() -> list[str]:
    """Return the names of the test sets: all but those for training."""
    return [name for name, entry in _registry()["datasets"].items() if not entry.get("training")]


def dataset_label(name: str) -> str:
    """Return the heading of a set in a table."""
    return _entry(name)["label"]


def dataset_note(name: str) -> str:
    """Return what a reader of a table must know about a set; empty where there is nothing."""
    return _entry(name).get("note", "")


def load_dataset(
    name: str,
    *,
    download: bool = False,
    base_url: str | None = None,
    cache_dir: Path | None = None,
) -> Dataset:
    """Find the files of a set.

    The files lie in $RAISR_DATA/<folder>, or in the user's cache from an earlier download;
    `sample` comes with scikit-image.

    Parameters
    ----------
    name : str
        One of `dataset_names()`, or "bsd400", the training set.
    download : bool
        Fetch missing files from their public addresses into the cache and check their SHA-256.
    base_url : str, optional
        Fetch from here instead: the address of a folder with the files of this set.
    cache_dir : Path, optional
        Folder of the downloads; default: the user's cache folder.

    Raises
    ------
    ValueError
        No such set, or a downloaded file has another checksum than the registry.
    FileNotFoundError
        Files are missing and `download` is False.
    ConnectionError
        A file cannot be fetched.
    """
    entry = _entry(name)
    folder = _registry()["folders"][entry["folder"]]
    files = entry.get("only") or [
        file for file in _file_names(folder) if file not in entry.get("without", ())
    ]
    cache_dir = cache_dir or _downloads()
    found = {file: _locate(entry["folder"], folder, file, cache_dir) for file in files}
    missing = [file for file, path in found.items() if path is None]
    if missing and not download:
        raise FileNotFoundError(_advice(name, entry["folder"], missing, len(files)))
    for file in tqdm(missing, desc=f"fetching {name}", unit="file", disable=None):
        found[file] = _fetch(folder, file, cache_dir / entry["folder"], base_url)
    gray = folder.get("gray", False)
    images = tuple(ImageFile(file, path, gray) for file, path in found.items() if path)
    return Dataset(name, entry["label"], entry.get("note", ""), entry["folder"], images)


def load_folder(folder: str | os.PathLike[str]) -> Dataset:
    """Return the pictures of a folder and of those below it as a set.

    Raises
    ------
    NotADirectoryError
        It is no folder.
    ValueError
        There are no pictures in it.
    """
    from raisr.io import list_images

    folder = Path(folder)
    names = list_images(folder)
    if not names:
        raise ValueError(f"{folder}: no pictures in this folder")
    pictures = tuple(Picture(name.as_posix(), folder / name) for name in names)
    return Dataset(str(folder), folder.name, "", str(folder), pictures)


def pixel_digest(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the shape and the pixels of an image, whatever its file format."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def _downloads() -> Path:
    """Return the folder of earlier downloads, in the user's cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "raisr-comparisons"


@cache
def _registry() -> dict[str, Any]:
    return tomllib.loads(_REGISTRY.read_text(encoding="utf-8"))


def _entry(name: str) -> dict[str, Any]:
    datasets = _registry()["datasets"]
    if name not in datasets:
        raise ValueError(f"no data set {name!r}; choose from {', '.join(datasets)}")
    return datasets[name]


def _file_names(folder: dict[str, Any]) -> list[str]:
    return folder["files"] if "files" in folder else list(folder["sha256"])


def _locate(folder_name: str, folder: dict[str, Any], file: str, cache_dir: Path) -> Path | None:
    if "files" in folder:
        import skimage.data

        places = [Path(skimage.data.__file__).parent / file]
    else:
        places = [cache_dir / folder_name / _remote_name(folder, file)]
        if root := os.environ.get("RAISR_DATA"):
            places.insert(0, Path(root) / folder_name / file)
    return next((place for place in places if place.is_file()), None)


def _remote_name(folder: dict[str, Any], file: str) -> str:
    return folder["remote"].format(name=file, stem=PurePosixPath(file).with_suffix(""))


def _fetch(folder: dict[str, Any], file: str, target: Path, base_url: str | None) -> Path:
    import pooch
    import requests

    remote = _remote_name(folder, file)
    url = f"{(base_url or folder['url']).rstrip('/')}/{remote}"
    digest = folder["sha256"][file]
    by_file = folder["checksum"] == "file"
    pooch.get_logger().setLevel("ERROR")
    kept = target / remote
    part = kept.with_name(kept.name + ".part")
    try:
        pooch.retrieve(url, digest if by_file else None, part.name, part.parent)
    except requests.RequestException as error:
        raise ConnectionError(f"cannot fetch {url}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{url}: wrong SHA-256, wanted {digest}; nothing was kept") from error
    if not by_file and _pixels_of(part) != digest:
        part.unlink()
        raise ValueError(f"{url}: wrong SHA-256 of the pixels, wanted {digest}; nothing was kept")
    os.replace(part, kept)
    return kept


def _pixels_of(file: Path) -> str | None:
    """Return the digest of the pixels; None for what is no image, such as a server's error page."""
    try:
        return pixel_digest(_read_pixels(file.read_bytes()))
    except (OSError, ValueError):
        return None


def _read_pixels(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels as they are stored: not turned upright; palettes become colours."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB") if image.mode == "P" else image)


def _advice(name: str, folder: str, missing: list[str], total: int) -> str:
    root = os.environ.get("RAISR_DATA")
    place = f"in {Path(root) / folder}" if root else "(RAISR_DATA is not set)"
    return (
        f"data set {name}: {len(missing)} of {total} images not found {place}, "
        f"the first is {missing[0]}; set RAISR_DATA to the folder that holds {folder}/, "
        "or pass --download"
    )
