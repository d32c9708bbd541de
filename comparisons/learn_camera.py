"""Learn the filters for camera noise that the package ships: `python -m comparisons.learn_camera`.

Photographs are taken of bsd400 by synthetic cameras. Filters of the kind "camera" have to find
what the same camera would have given without noise: they sharpen nothing. Those of "mosaic", for
cameras that fill in missing colours by their means (bilinear), have to find the picture itself.
`--hold-back` measures the recipe on images not learned from.
`comparisons.photographs` measures what is shipped.
"""

import dataclasses
import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_models import HELD_BACK_IMAGES, spec_like
from comparisons.measure.store import COMMITTED
from raisr.bicubic import resize_bicubic
from raisr.camera import SUBSAMPLINGS
from raisr.camera_levels import fit_level_weights, true_levels
from raisr.camera_models import GAINS, LEVEL_WEIGHTS, camera_bank_path
from raisr.colour import to_opponent
from raisr.command import Parser, run
from raisr.datasets import Dataset, ImageFile, load_dataset
from raisr.estimation import estimate_noise
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, noise_seed
from raisr.provenance import environment, git_commit, write_json
from raisr.pyramid_bank import PyramidBank
from raisr.pyramid_learning import learn_pyramid
from raisr.validate import as_channels

RUNGS = {f"{kind}_{gain:g}": (kind, gain) for kind in GAINS for gain in GAINS[kind]}
HELD_BACK = COMMITTED / "hold_back_camera.json"

_SHAPE, _COARSE = (16, 8, 4), (8, 6, 4)
LUMA = [[spec_like(5, shape=shape)] * 2 for shape in (_SHAPE, _COARSE, _COARSE)]
CHROMA = [[spec_like(5, shape=s), spec_like(9, shape=s)] for s in (_SHAPE, _COARSE, _COARSE)]
SIZE = 7

_GAINS = 0.0002, 0.05
"""Of the photographs by which levels are learned."""

_SHOTS = 6
"""Pictures of one scene; their mean is what a processed one has to become."""

_PROCESSED = {"camera": (False, True), "mosaic": (False,)}
"""Whether the pictures by which levels are learned are processed: of each image one so, one not."""

_VIVID = np.array([[1.7, -0.6, -0.1], [-0.2, 1.5, -0.3], [0.0, -0.6, 1.6]])
"""What the matrices of single-lens reflex cameras are like."""


def photograph(image: ImageFile, kind: str, gain: float, run: int = 0, *, processed: bool = False):
    """Take a photograph of an image, by a camera drawn for it; return it and what is to be found.

    Cameras of kind "camera" see 1 to 3 pixels for each of the image's; they amplify red and blue
    up to twice and make colours more vivid by any share, smooth chroma by up to 3 pixels, smooth
    or sharpen all, have any gamma about 2.2, and compress at quality 85 to 98. Where pictures are
    `processed`, they have more contrast, too, and lose details up to twice as strong as the noise
    of gray; what is to be found is the mean of some of them, as noise decides what texture stays.
    """
    rng = np.random.default_rng(noise_seed(kind, image.name, gain, run))
    clean = _rgb(image)
    if kind == "mosaic":
        return add_camera_noise(clean, gain, rng, quality=int(rng.integers(88, 97))), clean
    clean = _enlarged(clean, rng.choice([1.0, 1.4, 2.0, 2.8]), rng)
    options: dict[str, Any] = {
        "demosaic": str(rng.choice(["bilinear", "edge", "edge"])),
        "smoothing": float(rng.uniform(-0.4, 1)),
        "chroma_smoothing": max(0.0, float(rng.uniform(-1, 3))),
        "white_balance": (rng.uniform(1, 2), 1.0, rng.uniform(1, 2)),
        "colour_matrix": np.eye(3) + rng.uniform() * (_VIVID - np.eye(3)),
        "gamma": float(rng.uniform(1.8, 2.6)),
    }
    jpeg: dict[str, Any] = {
        "quality": int(rng.integers(85, 99)),
        "subsampling": str(rng.choice(SUBSAMPLINGS)),
    }
    if processed:
        noise = 255 * np.sqrt(gain) / options["gamma"]
        options["contrast"] = rng.uniform()
        options["noise_reduction"] = noise * rng.uniform(0, 2)
    noisy = add_camera_noise(clean, gain, rng, **options, **jpeg)
    if not processed:
        return noisy, add_camera_noise(clean, 0, 0, quality=None, **options)
    shots = [add_camera_noise(clean, gain, rng, quality=None, **options) for _ in range(_SHOTS)]
    return noisy, np.rint(np.mean(shots, axis=0)).astype(np.uint8)


def _rgb(image: ImageFile) -> NDArray[np.uint8]:
    pixels = image.read()
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _enlarged(clean, factor, rng):
    """Return a part of the image at its own size, so that it has fewer details a pixel."""
    if factor == 1:
        return clean
    height, width = (int(side / factor) for side in clean.shape[:2])
    top = rng.integers(0, clean.shape[0] - height + 1)
    left = rng.integers(0, clean.shape[1] - width + 1)
    part = clean[top : top + height, left : left + width]
    planes = [resize_bicubic(part[..., c], factor, clean.shape[:2]) for c in range(3)]
    return np.rint(np.dstack(planes)).clip(0, 255).astype(np.uint8)


def _planes(rgb):
    return to_opponent(as_channels(rgb, -1, 255), 1)


def _true_levels(kind, noisy, clean, processed=False):
    if kind == "mosaic":  # what it blurs is no noise
        clean = add_camera_noise(clean, 0, 0, quality=None)
    found = true_levels(_planes(noisy), _planes(clean))
    if not processed:
        return found
    share = np.sqrt(_SHOTS / (_SHOTS + 1))  # of it: a mean of some shots has noise of its own
    return share * found[0], share * found[1]


def learn(dataset: Dataset, kind: str, gain: float, threads: int = 1) -> PyramidBank:
    """Return the bank of one kind of camera for one gain."""
    start = time.perf_counter()
    photographs = [photograph(image, kind, gain) for image in dataset]
    levels = [_true_levels(kind, *pair) for pair in photographs]
    pairs = [tuple(map(_planes, pair)) for pair in photographs]
    bank = learn_pyramid(pairs, LUMA, CHROMA, SIZE, num_threads=threads)
    facts = {
        "kind": kind,
        "gain": gain,
        "levels": np.exp(np.log(levels).mean(axis=0)).tolist(),
        "noise": "synthetic cameras, one an image, drawn by the names of kind, image and gain",
        "training_set": dataset.name,
        "training_images": len(dataset),
        "terms": "learned from BSDS500, which is for non-commercial research and education",
        "seconds": round(time.perf_counter() - start, 1),
        "git_commit": git_commit(),
        **environment(),
    }
    return PyramidBank(bank.scales, bank.metadata | facts)


def learn_levels(dataset: Dataset) -> dict[str, Any]:
    """Return by what weights the levels of each kind of noise are told, and facts about that."""
    weights = {}
    for kind in GAINS:
        found, levels = [], []
        for image, processed in itertools.product(dataset, _PROCESSED[kind]):
            rng = np.random.default_rng(noise_seed("levels", image.name, processed))
            gain = float(np.exp(rng.uniform(*np.log(_GAINS))))
            noisy, clean = photograph(image, kind, gain, processed=processed)
            if not (estimate := estimate_noise(noisy, channel_axis=-1)).is_white:
                found.append(estimate)
                levels.append(_true_levels(kind, noisy, clean, processed))
        weights[kind] = fit_level_weights(found, levels).tolist()
    facts = {"training_set": dataset.name, "training_images": len(dataset)}
    return weights | facts | {"git_commit": git_commit(), **environment()}


def hold_back(dataset: Dataset, names: Sequence[str]) -> dict[str, Any]:
    """Learn from 9 of 10 images, score the tenth."""
    held_back = dataclasses.replace(dataset, images=dataset.images[HELD_BACK_IMAGES])
    rest = tuple(image for image in dataset if image not in held_back.images)
    found = []
    for name in names:
        bank = learn(dataclasses.replace(dataset, images=rest), *RUNGS[name])
        pairs = [photograph(image, *RUNGS[name], run=1) for image in held_back]
        before, after = (
            float(np.mean([psnr(image, target) for image, target in side]))
            for side in (pairs, [(bank.apply(noisy), target) for noisy, target in pairs])
        )
        print(f"{name}: {before:.3f} to {after:.3f} dB on {len(held_back)} images", flush=True)
        found.append({"name": name, "noisy": before, "psnr": after, "images": len(held_back)})
    return {"commit": git_commit(), **environment(), "found": found}


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the files that the options name, or measure the recipes on bsd400."""
    parser = Parser(prog="python -m comparisons.learn_camera", description=__doc__.split("\n\n")[0])
    command.add_choices_option(parser, "--bank", [*RUNGS, "levels"])
    command.add_learning_options(parser)
    command.add_every_option(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    if options.hold_back:
        write_json(HELD_BACK, hold_back(dataset, [name for name in options.bank if name in RUNGS]))
        print(f"wrote {HELD_BACK.name}")
        return
    dataset = dataclasses.replace(dataset, images=dataset.images[:: options.every])
    for name in options.bank:
        if name == "levels":
            path = LEVEL_WEIGHTS
            write_json(path, learn_levels(dataset))
        else:
            path = camera_bank_path(*RUNGS[name])
            learn(dataset, *RUNGS[name]).save(path, dtype="float16")
        print(f"wrote {path.name}", flush=True)


if __name__ == "__main__":
    run(main)
