"""Learn how white noise is told in chroma: `python -m comparisons.learn_white_chroma`.

Photographs of bsd400 in colour, at half their size, at their own, and parts of them enlarged, have
white noise, or noise of a level that varies; some have none, and some are taken by synthetic
cameras, whose noise neighbours share. Planes of chroma with less than 8 bits make of nothing are
left out. `--hold-back` measures the recipe on images not learned from.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_camera import photograph
from comparisons.learn_models import HELD_BACK_IMAGES
from comparisons.learn_white import level_of, resized, with_noise, write_weights
from comparisons.measure.store import COMMITTED
from raisr.block_details import BlockLevels
from raisr.command import Parser, run
from raisr.datasets import ImageFile, load_dataset
from raisr.estimation import plane_details
from raisr.noise import noise_seed
from raisr.noise_estimate import ROUNDED, SURE
from raisr.provenance import environment, git_commit, write_json
from raisr.validate import GRAY_LEVELS, as_channels
from raisr.white_certainty import WEIGHTS, certainty, fit_certainty_weights

HELD_BACK = COMMITTED / "hold_back_white_chroma.json"

_SIZES = "half", "own", "enlarged"
_CAMERAS = "camera", "camera", "mosaic"
_GAINS = 0.0002, 0.05
_EIGHT_BITS = 0.7  # of the images with white noise


class Image(NamedTuple):
    """What made the details of an image, and what tells whether they are white noise."""

    kind: str
    chroma: list[tuple[float, BlockLevels]]

    @property
    def is_white(self) -> bool:
        """Whether they are."""
        return self.kind == "white"


def images(photographs: Iterable[ImageFile]) -> Iterator[Image]:
    """Yield images of photographs: with white noise, with none, and as cameras take them."""
    for image in photographs:
        clean = image.read()
        if clean.ndim == 2:
            continue
        for index, size in enumerate(_SIZES):
            rng = np.random.default_rng(noise_seed("white chroma", image.name, index))
            small = resized_rgb(clean, size, rng)
            noisy = with_noise(small, level_of(rng), rng)
            if rng.random() < _EIGHT_BITS:
                noisy = np.rint(noisy).clip(0, GRAY_LEVELS).astype(np.uint8)
            yield _seen("white", noisy)
            yield _seen("none", small)
        for index, kind in enumerate(_CAMERAS):
            rng = np.random.default_rng(noise_seed("gain of a camera", image.name, index))
            gain = float(np.exp(rng.uniform(*np.log(_GAINS))))
            yield _seen(kind, photograph(image, kind, gain, run=200 + index)[0])


def resized_rgb(clean: NDArray[np.uint8], size: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a photograph, (H, W, 3), as `resized` does each of its channels."""
    state = rng.bit_generator.state
    planes = []
    for plane in np.moveaxis(clean, -1, 0):
        rng.bit_generator.state = state  # the same part of each
        planes.append(resized(np.ascontiguousarray(plane), size, rng))
    return np.dstack(planes)


def _seen(kind, pixels):
    return Image(kind, plane_details(as_channels(pixels, -1, GRAY_LEVELS))[1:])


def learn(learned: Iterable[Image]) -> NDArray[np.float64]:
    """Return the weights that tell white noise in planes of chroma."""
    found, white = [], []
    for image in learned:
        strong = [plane for plane in image.chroma if plane[0] > ROUNDED]
        found += strong
        white += [float(image.is_white)] * len(strong)
    return fit_certainty_weights(found, white, np.ones(len(white)))


def hold_back(photographs: list[ImageFile]) -> dict[str, Any]:
    """Learn from 9 of 10 photographs; return how many images of the tenth are taken for white."""
    held = photographs[HELD_BACK_IMAGES]
    weights = learn(images([image for image in photographs if image not in held]))
    rows: dict[str, dict[str, int]] = {}
    for image in images(held):
        row = rows.setdefault(image.kind, {"images": 0, "strong": 0, "white": 0})
        strong = min(level for level, _ in image.chroma) > ROUNDED
        row["images"] += 1
        row["strong"] += strong
        row["white"] += strong and min(certainty(*plane, weights) for plane in image.chroma) > SURE
    return {"commit": git_commit(), **environment(), "found": rows}


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the weights, or measure the recipe."""
    parser = Parser(
        prog="python -m comparisons.learn_white_chroma", description=__doc__.split("\n\n")[0]
    )
    command.add_learning_options(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    if options.hold_back:
        write_json(HELD_BACK, hold_back(list(dataset)))
        print(f"wrote {HELD_BACK.name}")
        return
    write_weights(WEIGHTS["chroma"], learn(images(dataset)), dataset)


if __name__ == "__main__":
    run(main)
