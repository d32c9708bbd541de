"""Write pairs of photographs to train a network on: `python -m comparisons.camera_pairs DIR`.

Synthetic cameras as those of `comparisons.learn_camera` take bsd400: DIR/held has the pictures
of which some are held back, in DIR/0, DIR/1 and so on the others are taken again and again. Each
has a folder `noisy` and one, `clean`, of what is to be found.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_camera import photograph
from comparisons.learn_models import HELD_BACK_IMAGES
from raisr.camera_models import GAINS
from raisr.command import Parser, run
from raisr.datasets import Dataset, ImageFile, load_dataset
from raisr.io import write_image
from raisr.noise import noise_seed

_CAMERAS = 0.7
"""Share of the pictures that cameras of the kind "camera" take."""

_PROCESSED = 0.5
"""Share of these whose noise the camera has reduced itself."""

_FIRST_RUN = 100  # of the noise; `learn_camera` has the first ones


def pairs(dataset: Dataset, times: int) -> Iterator[tuple[str, ImageFile, tuple[NDArray, NDArray]]]:
    """Yield folder, image, and noisy and clean photograph of it."""
    held = dataset.images[HELD_BACK_IMAGES]
    others = [image for image in dataset if image not in held]
    folders = {"held": held} | {str(number): others for number in range(times)}
    for index, (folder, images) in enumerate(folders.items()):
        for image in images:
            yield folder, image, _photograph(image, _FIRST_RUN + index)


def _photograph(image: ImageFile, number: int) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(noise_seed("pairs", image.name, 0, number))
    kind = "camera" if rng.random() < _CAMERAS else "mosaic"
    low, high = np.log([min(GAINS[kind]), max(GAINS[kind])])
    gain = float(np.exp(rng.uniform(low, high)))
    processed = kind == "camera" and rng.random() < _PROCESSED
    return photograph(image, kind, gain, number, processed=processed)


def main(arguments: list[str] | None = None) -> None:
    """Write the pairs that the options name."""
    parser = Parser(prog="python -m comparisons.camera_pairs", description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--times", type=int, default=2, metavar="N", help="(default: 2)")
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    for folder, image, (noisy, clean) in pairs(
        load_dataset("bsd400", download=options.download), options.times
    ):
        for name, pixels in (("noisy", noisy), ("clean", clean)):
            path = options.folder / folder / name / image.name.replace("/", "_")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path.with_suffix(".png"), pixels)


if __name__ == "__main__":
    run(main)
