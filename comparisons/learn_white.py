"""Learn how white noise is told from texture: `python -m comparisons.learn_white`.

Photographs of bsd400, at half their size, at their own, and parts of them enlarged, with noise of
any level and without, and pages: for each, the part of the level found that "fast" should be told
is what has to be known from its details. A half of the noise is white; the other grows with the
brightness, or from side to side, and some goes through JPEG. `--hold-back` measures it on images
not learned from; nothing in the package changes with these weights where a sigma is told.
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

import raisr
from comparisons import command
from comparisons.learn_models import HELD_BACK_IMAGES, PAGES
from comparisons.measure.store import COMMITTED
from raisr.bends import halved
from raisr.bicubic import resize_bicubic
from raisr.block_details import BlockLevels
from raisr.colour import rgb_to_gray
from raisr.command import Parser, run
from raisr.datasets import Dataset, load_dataset
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise, noise_seed
from raisr.provenance import environment, git_commit, write_json
from raisr.validate import GRAY_LEVELS, as_channels
from raisr.wavelet_level import found_level
from raisr.white_certainty import WEIGHTS, certainty, fit_certainty_weights

HELD_BACK = COMMITTED / "hold_back_white.json"

_SIZES = (("half", True), ("own", True), ("enlarged", True), ("half", False), ("own", False))
"""Of the images of a photograph, and whether they have noise."""

_LEVELS = 0.7, 40.0
_SCORED = (0, 1, 2, 5, 10, 25)
_SHARES = (0, 0.25, 0.5, 0.75, 1)
_EIGHT_BITS = 0.7  # of the noisy images are of 8 bits, and
_JPEG = 0.3  # of these go through JPEG
_QUALITIES = 80, 97
_STEADY, _OF_LIGHT = 0.5, 0.75  # of the noise is white; up to there, it grows with the brightness
_STEEPEST = 4.0  # times its level on one side noise has on the other, at most
_SAME = 70.0  # dB, of images that are the same


class Image(NamedTuple):
    """A gray image, what it is without noise, the level found, and those of its blocks."""

    noisy: NDArray
    clean: NDArray[np.uint8]
    level: float
    blocks: BlockLevels


def images(photographs: Iterable[NDArray[np.uint8]], names: Iterable[str]) -> Iterator[Image]:
    """Yield the images of photographs, (H, W) uint8, in which noise is in doubt."""
    for photograph, name in zip(photographs, names, strict=True):
        for index, (size, has_noise) in enumerate(_SIZES):
            rng = np.random.default_rng(noise_seed("white", name, index))
            clean = resized(photograph, size, rng)
            noisy = _noisy(clean, rng) if has_noise else clean
            if (image := _seen(noisy, clean)) is not None:
                yield image


def level_of(rng: np.random.Generator) -> float:
    """Return a level of noise, all orders of magnitude alike."""
    return float(np.exp(rng.uniform(*np.log(_LEVELS))))


def resized(
    photograph: NDArray[np.uint8], size: str, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a photograph, (H, W), at "half" or its "own" size, or a part of it "enlarged"."""
    if size == "own":
        return photograph
    if size == "half":
        return np.rint(halved(photograph.astype(np.float32))).astype(np.uint8)
    factor = rng.uniform(1.3, 2.2)
    part = photograph[tuple(slice(int(side / factor)) for side in photograph.shape)]
    large = resize_bicubic(np.ascontiguousarray(part), factor, photograph.shape)
    return np.rint(large).clip(0, 255).astype(np.uint8)


def _noisy(clean, rng):
    """Add noise of any level; some images are of 8 bits, some of floats."""
    noisy = with_noise(clean, level_of(rng), rng)
    if rng.random() < 1 - _EIGHT_BITS:
        return noisy.astype(np.float32)
    pixels = np.rint(noisy).clip(0, GRAY_LEVELS).astype(np.uint8)
    return through_jpeg(pixels, rng) if rng.random() < _JPEG else pixels


def with_noise(
    clean: NDArray[np.uint8], sigma: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Add noise to an image, (H, W) or (H, W, 3): white, or of a level that varies."""
    chance = rng.random()
    levels: ArrayLike = sigma
    if _STEADY <= chance < _OF_LIGHT:
        light = clean + 0.05 * GRAY_LEVELS
        levels = sigma * np.sqrt(light / light.mean())
    elif chance >= _OF_LIGHT:
        steep = np.log(rng.uniform(1, _STEEPEST))
        columns = sigma * np.exp(np.linspace(-steep / 2, steep / 2, clean.shape[1]))
        levels = columns.reshape(-1, *[1] * (clean.ndim - 2))
    return clean + np.asarray(levels) * rng.standard_normal(clean.shape)


def through_jpeg(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return pixels as they come out of a JPEG of any quality."""
    from PIL import Image as PillowImage

    memory = io.BytesIO()
    PillowImage.fromarray(pixels).save(memory, "JPEG", quality=int(rng.integers(*_QUALITIES)))
    return np.array(PillowImage.open(memory))


def _seen(noisy, clean):
    """Return an image; None where no noise is found, or there is no doubt about it."""
    (channel,) = as_channels(noisy, None, 255)
    level, blocks = found_level(channel)
    return None if blocks is None else Image(noisy, clean, level, blocks)


def share_of(image: Image) -> tuple[float, float]:
    """Return the part of the level that is best, and how much that matters (logarithm of dB)."""
    found = [_score(image, share) for share in _SHARES]
    return _SHARES[int(np.argmax(found))], float(np.log1p(np.ptp(found)))


def _score(image, share):
    out = image.noisy
    if share:
        out = raisr.denoise(out, share * image.level, data_range=255)
    return _SAME if np.array_equal(out, image.clean) else min(_SAME, psnr(out, image.clean))


def learn(learned: list[Image]) -> NDArray[np.float64]:
    """Return the weights that tell white noise in images."""
    shares = [share_of(image) for image in learned]
    found = [(image.level, image.blocks) for image in learned]
    return fit_certainty_weights(found, *np.transpose(shares))


def pages() -> Iterator[Image]:
    """Yield pages with noise."""
    for index, page in enumerate(PAGES):
        rng = np.random.default_rng(PAGES.noise_seed(index, 0))
        clean = rgb_to_gray(page)
        if (image := _seen(_noisy(clean, rng), clean)) is not None:
            yield image


def hold_back(photographs: dict[str, NDArray[np.uint8]]) -> dict[str, Any]:
    """Learn from 9 of 10 photographs, score the tenth: PSNR with all of the level, and a share."""
    held = list(photographs)[HELD_BACK_IMAGES]
    rest = {name: pixels for name, pixels in photographs.items() if name not in held}
    weights = learn([*images(rest.values(), rest), *pages()])
    found = []
    for sigma in _SCORED:
        scores = []
        for name in held:
            clean = photographs[name]
            noisy: NDArray = clean
            if sigma:
                noisy = add_gaussian_noise(clean, sigma, noise_seed("white", name, sigma, run=1))
                noisy = np.rint(noisy).clip(0, GRAY_LEVELS).astype(np.uint8)
            if (image := _seen(noisy, clean)) is not None:
                share = certainty(image.level, image.blocks, weights)
                scores.append([_score(image, part) for part in (0, 1, share)])
        noisy, before, after = np.mean(scores, axis=0).round(3).tolist()
        below = [int(np.sum(np.array(scores)[:, column] < 45)) for column in (1, 2)]
        row = {"sigma": sigma, "noisy": noisy, "all": before, "share": after, "images": len(scores)}
        found.append(row | ({} if sigma else {"below 45 dB": below}))
        print(found[-1], flush=True)
    return {"commit": git_commit(), **environment(), "found": found}


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the weights, or measure the recipe."""
    parser = Parser(prog="python -m comparisons.learn_white", description=__doc__.split("\n\n")[0])
    command.add_learning_options(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    photographs = {image.name: _gray(image.read()) for image in dataset}
    if options.hold_back:
        write_json(HELD_BACK, hold_back(photographs))
        print(f"wrote {HELD_BACK.name}")
        return
    weights = learn([*images(photographs.values(), photographs), *pages()])
    write_weights(WEIGHTS["gray"], weights, dataset, pages=len(PAGES))


def write_weights(path: Path, weights: NDArray, dataset: Dataset, **facts: int) -> None:
    """Write learned weights, what they were learned from, and by what."""
    content = {
        "weights": weights.tolist(),
        "training_set": dataset.name,
        "training_images": len(dataset),
        **facts,
        "git_commit": git_commit(),
        **environment(),
    }
    write_json(path, content)
    print(f"wrote {path.name}")


def _gray(pixels):
    return rgb_to_gray(pixels) if pixels.ndim == 3 else pixels


if __name__ == "__main__":
    run(main)
