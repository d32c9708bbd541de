"""What reads foreign bytes: for each reader small seeds, a mutation, and what must hold.

A reader takes the bytes, or refuses them with ValueError or OSError. What it took works, and is
the same after it was written and read again.
"""

import json
import os
import random
import struct
import tempfile
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fuzz.mutations import change_tree, mend_png

__all__ = ["REFUSED", "TARGETS", "Target"]

REFUSED = (ValueError, OSError)
_IMAGE = np.arange(63, dtype=np.uint8).reshape(7, 9) * np.uint8(4)


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes
    ----------
    run : callable
        Bytes -> None; raises one of `REFUSED` where the reader does, anything else is a fault.
    seeds : callable
        () -> list of bytes, of valid inputs.
    change : callable
        Bytes and random numbers -> bytes that are likely to be read far.
    instrumented : tuple of str
        Packages whose branches guide the fuzzer.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    change: Callable[[bytes, random.Random], bytes]
    instrumented: tuple[str, ...]


class _File:
    """One file of this process, written anew for each input."""

    def __init__(self):
        self._folders = {}

    def holding(self, data: bytes, suffix: str) -> Path:
        folder = self._folders.get(os.getpid())
        if folder is None:
            base = "/dev/shm" if os.path.isdir("/dev/shm") else None
            folder = self._folders[os.getpid()] = tempfile.TemporaryDirectory(dir=base)
        path = Path(folder.name) / f"input{suffix}"
        path.write_bytes(data)
        return path


_FILE = _File()


# Safetensors: eight bytes of length, a table as JSON, numbers.


def _unframed(data):
    (length,) = struct.unpack("<Q", data[:8])
    table = json.loads(data[8 : 8 + length])
    facts = table.get("__metadata__", {})
    for key, text in facts.items():  # values are texts, and these are JSON again
        try:
            facts[key] = json.loads(text)
        except ValueError:
            facts[key] = text
    return table, data[8 + length :]


def _framed(table, numbers):
    facts = table.get("__metadata__") if isinstance(table, dict) else None
    if isinstance(facts, dict):
        kept = {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()}
        table = {**table, "__metadata__": kept}
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def _change_tensors(data, rng):
    table, numbers = _unframed(data)
    if rng.random() < 0.7 and isinstance(table.get("__metadata__"), dict):
        table["__metadata__"] = change_tree(table["__metadata__"], rng)
        return _framed(table, numbers)
    if rng.random() < 0.5:
        return _framed(change_tree(table, rng), numbers)
    place = 4 * rng.randrange(max(1, len(numbers) // 4))
    odd = struct.pack("<f", rng.choice([0, 1e-42, 1e30, 3.4e38, float("inf"), float("nan")]))
    return _framed(table, numbers[:place] + odd[: len(numbers) - place] + numbers[place + 4 :])


def _saved(save):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.safetensors"
        save(path)
        return path.read_bytes()


# Filter banks.


def _bank_seeds():
    from raisr import HashSpec
    from tests.banks import CSCONV, delta_bank, random_bank

    few = HashSpec(window=3, orientations=2, strength_edges=(0.3,), coherence_edges=(), period=2)
    banks = [random_bank(few, size=3), random_bank(few, CSCONV, size=1), delta_bank(few, size=3)]
    return [_saved(bank.save) for bank in banks]


def _run_bank(data):
    from raisr import FilterBank

    path = _FILE.holding(data, ".safetensors")
    bank = FilterBank.load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = bank.apply(_IMAGE, num_threads=1)
    assert out.shape == _IMAGE.shape
    bank.save(path)
    again = FilterBank.load(path)
    assert json.dumps(again.info()) == json.dumps(bank.info())
    np.testing.assert_array_equal(again.apply(_IMAGE, num_threads=1), out)


def _colour_seeds():
    from raisr import ColourBank, HashSpec
    from tests.banks import random_bank

    few = HashSpec(window=3, orientations=2, strength_edges=(), coherence_edges=())
    parts = [random_bank(few, size=3, seed=seed) for seed in range(3)]
    return [_saved(ColourBank(parts[0], (parts[1], parts[2]), ("luma",)).save)]


def _run_colour(data):
    from raisr import ColourBank

    path = _FILE.holding(data, ".safetensors")
    bank = ColourBank.load(path)
    image = np.stack([_IMAGE, _IMAGE[::-1], _IMAGE], axis=-1)
    out = bank.apply(image, num_threads=1)
    bank.save(path)
    again = ColourBank.load(path)
    assert json.dumps(again.info()) == json.dumps(bank.info())
    np.testing.assert_array_equal(again.apply(image, num_threads=1), out)


# Weights of networks, and checkpoints of their training.


def _weights_seeds():
    import torch

    from hybrid.networks import build
    from hybrid.weights import save_tensors
    from raisr import HashSpec

    seeds = []
    for model, options, facts in (
        ("edsr", {"features": 2, "blocks": 1}, {"sigma_min": None, "white": 1.0}),
        ("edsr", {"features": 2, "blocks": 1, "num_classes": 72}, {"classes": "noisy"}),
        ("unet", {"features": 2, "blocks": [1, 1, 1]}, {"sigma_min": 0.0}),
    ):
        torch.manual_seed(0)
        network = build(model, **options)
        header = {"name": "x", "model": model, "options": options, "noise": "gaussian"}
        header |= {"sigma": 25.0, "spec": HashSpec.preset("csconv").to_dict(), "steps": 9}
        header |= {"classes": None, "run": {"steps": 9}, **facts}
        state = network.state_dict()
        seeds.append(_saved(lambda path, s=state, h=header: save_tensors(path, s, h)))
    return seeds


def _run_weights(data):
    import torch

    import hybrid

    torch.set_num_threads(1)
    path = _FILE.holding(data, ".safetensors")
    network = hybrid.load(str(path))
    level = network.behaviour.sigma
    out = network.denoise(_IMAGE, level if level and level <= 255 else None)
    assert out.shape == _IMAGE.shape
    assert out.dtype == _IMAGE.dtype


# Runs of training, as TOML.


def _to_toml(tree):
    """Return a dict as TOML: inline tables, a line a key."""

    def value(item):
        if isinstance(item, dict):
            inner = ", ".join(f"{json.dumps(str(k))} = {value(v)}" for k, v in item.items())
            return f"{{{inner}}}"
        if isinstance(item, list):
            return f"[{', '.join(map(value, item))}]"
        if isinstance(item, float):
            return {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(
                text := json.dumps(item), text
            )
        return json.dumps(item) if item is not None else '""'

    if not isinstance(tree, dict):
        return value(tree)
    return "\n".join(f"{json.dumps(str(key))} = {value(item)}" for key, item in tree.items())


def _change_toml(data, rng):
    return _to_toml(change_tree(tomllib.loads(data.decode()), rng)).encode()


def _config_seeds():
    texts = [
        'model = "edsr"\nsteps = 300\nimages = ["bsd400"]\n[options]\nfeatures = 4\nblocks = 1\n',
        'model = "edsr"\nsteps = 300\nclasses = "noisy"\nshared = true\ninit = "a"\n'
        "options = {features = 2, blocks = 1, num_classes = 72}\nbins = {orientations = 8}\n",
        'model = "unet"\nsteps = 9\nwarmup = 1\nsigma = 75.0\nsigma_min = 0\neight_bit = 0.5\n'
        "options = {features = 4, blocks = [1, 1, 1], channels = 3}\ntime_limit = 5.5\n",
        'model = "pcn"\nsteps = 9\nwarmup = 0\nnoise = "video_range"\nspec = "raisr"\n'
        'schedule = "paper"\nprecision = "bfloat16"\nbroken = "skip"\nema = 0.5\nseed = 3\n',
    ]
    return [text.encode() for text in texts]


def _run_config(data):
    from hybrid.training.config import TrainingConfig

    config = TrainingConfig.read(_FILE.holding(data, ".toml"))
    again = TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again.to_dict() == config.to_dict()


# Pictures.


def _picture_seeds():
    import io

    from PIL import Image

    from raisr.io import Page, encode_picture

    rgb = np.stack([_IMAGE, _IMAGE[::-1], _IMAGE.T.reshape(7, 9)], axis=-1)
    deep = _IMAGE.astype(np.uint16) * 257
    alpha = np.concatenate([rgb, _IMAGE[..., None]], axis=-1)
    about = {"dpi": (72, 72)}
    seeds = [
        encode_picture(f"a.{suffix}", [Page(pixels, about)])
        for suffix, pixels in (
            *(("png", deep), ("png", rgb), ("png", alpha), ("png", _IMAGE)),
            *(("jpg", rgb), ("jpg", _IMAGE), ("bmp", rgb), ("webp", alpha)),
            *(("tif", deep), ("tif", rgb), ("tif", _IMAGE.astype(np.float32))),
        )
    ]
    seeds.append(encode_picture("a.tif", [Page(_IMAGE, {}), Page(deep, {})]))
    for options in ({"format": "PNG", "bits": 4}, {"format": "TIFF", "compression": "tiff_lzw"}):
        file = io.BytesIO()
        image = Image.fromarray(rgb).quantize(8) if "bits" in options else Image.fromarray(_IMAGE)
        image.save(file, **options)
        seeds.append(file.getvalue())
    file = io.BytesIO()
    Image.fromarray(alpha, "CMYK").save(file, format="JPEG")
    return [*seeds, file.getvalue()]


def _change_picture(data, rng):
    """Change single bytes, mostly in the head, and mend the sums of a PNG."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(found) if rng.random() < 0.5 else min(len(found), 200))
        found[place] = rng.choice([0, 1, 2, 3, 8, 16, 127, 128, 255, rng.randrange(256)])
    return mend_png(bytes(found)) if data.startswith(b"\x89PNG") else bytes(found)


def _run_picture(data):
    from raisr.io import Picture, decode_picture, encode_picture

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = decode_picture(data, "input")
        assert isinstance(picture, Picture)
        for page in picture.pages:
            assert page.pixels.ndim in (2, 3)
            assert page.pixels.size
        if sum(page.pixels.size for page in picture.pages) < 10**6:
            again = decode_picture(encode_picture("a.tif", picture.pages), "again")
            for page, other in zip(picture.pages, again.pages, strict=True):
                np.testing.assert_array_equal(other.pixels, page.pixels)


TARGETS = {
    "bank": Target(_run_bank, _bank_seeds, _change_tensors, ("raisr", "json")),
    "colour": Target(_run_colour, _colour_seeds, _change_tensors, ("raisr", "json")),
    "weights": Target(_run_weights, _weights_seeds, _change_tensors, ("hybrid", "json")),
    "config": Target(_run_config, _config_seeds, _change_toml, ("hybrid", "tomllib")),
    "picture": Target(_run_picture, _picture_seeds, _change_picture, ("raisr", "PIL", "tifffile")),
}
