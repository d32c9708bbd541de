"""Learn the filters that clean JPEGs: `python -m comparisons.learn_deblocking`.

The luma is learned from bsd400, gray, without the first 3 rows and 5 columns: these photographs
are JPEGs of high quality themselves, and so their blocks do not lie on the new ones. The chroma is
learned from the same photographs reduced by 2, as theirs was halved, too. Pillow's libjpeg
compresses. The recipe was chosen on every tenth image, held back: `--hold-back` prints that
measurement. Nothing is random. The first stages alone are the model fast.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_models import HELD_BACK_IMAGES
from comparisons.measure.deblocking import deblocked_psnr
from raisr import HashSpec
from raisr.colour_files import write_parts
from raisr.command import Parser, run
from raisr.datasets import ImageFile, load_dataset
from raisr.deblocking import FORMAT, QUALITIES, deblocking_path
from raisr.filtering import Stage
from raisr.jpeg import BLOCK
from raisr.learning_deblocking import learn_deblocking
from raisr.provenance import environment, git_commit

_OFF_BLOCKS = slice(3, None), slice(5, None)


def _spec(window: int, sigma: float, *bins: int, period: int = 1) -> HashSpec:
    """Return a spec of so many orientations, strengths and coherences, with placeholder edges."""
    orientations, strengths, coherences = bins
    return HashSpec(
        window=window,
        weighting="gaussian",
        gaussian_sigma=sigma,
        orientations=orientations,
        strength_edges=tuple(np.arange(1, strengths) / 255),
        coherence_edges=tuple(np.arange(1, coherences) / coherences),
        period=period,
    )


LUMA = [
    (_spec(9, 2.0, 8, 6, 3, period=BLOCK), 7),
    (_spec(7, 1.5, 16, 8, 3), 7),
    (_spec(5, 1.0, 16, 8, 3), 9),
]
"""Of each stage of the luma: classes, and the side of the filters."""

CHROMA = [_spec(7, 1.5, 4, 1, 1, period=BLOCK), _spec(7, 1.5, 8, 4, 3)]
"""Classes of each stage of the chroma."""

CHROMA_SIZE = 9
"""Side of its filters."""


def halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce an image, (H, W, 3), to the rounded means of 2 x 2 pixels."""
    height, width = (side // 2 for side in image.shape[:2])
    parts = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1)
    return np.rint(parts.mean(axis=(1, 3))).astype(np.uint8)


def learn_parts(
    images: Sequence[ImageFile], quality: int
) -> tuple[dict[str, list[Stage]], tuple[str, ...], dict[str, Any]]:
    """Return the parts for a quality, what they hash, and the facts of their training."""
    start = time.perf_counter()
    pixels = [image.read() for image in images]
    parts, guides, facts = learn_deblocking(
        [np.ascontiguousarray(image[_OFF_BLOCKS]) for image in pixels],
        [halved(image) for image in pixels],
        quality,
        LUMA,
        CHROMA,
        CHROMA_SIZE,
    )
    facts |= {
        "seconds": round(time.perf_counter() - start, 1),
        "training_set": "bsd400",
        "training_images": len(images),
        "compression": "Pillow's libjpeg; luma: gray, off the blocks of the photographs' own JPEG; "
        "chroma: colour reduced by 2, subsampled",
        "terms": "learned from BSDS500, which is for non-commercial research and education",
        "git_commit": git_commit(),
        **environment(),
    }
    return parts, guides, facts


def print_held_back(images: Sequence[ImageFile], quality: int) -> None:
    """Learn from all but the held-back images, and print the PSNR of the luma on these."""
    held_back = images[HELD_BACK_IMAGES]
    parts, *_ = learn_parts([image for image in images if image not in held_back], quality)
    stages: list[Stage] = parts["luma"]
    found = [deblocked_psnr(image.read()[_OFF_BLOCKS], quality, stages) for image in held_back]
    values = ", ".join(f"{value:.3f}" for value in np.mean(found, axis=0))
    print(f"quality {quality}: {values} dB: the JPEG and after each stage, {len(found)} images")


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the filters that the options name, or measure the recipe on bsd400."""
    name = "comparisons.learn_deblocking"
    parser = Parser(prog=f"python -m {name}", description=__doc__.split("\n\n")[0])
    command.add_choices_option(parser, "--quality", QUALITIES, "Q")
    command.add_learning_options(parser)
    options = parser.parse_args(arguments)
    images = load_dataset("bsd400", download=options.download).images
    for quality in map(int, options.quality):
        if options.hold_back:
            print_held_back(images, quality)
            continue
        path = deblocking_path(quality)
        parts, guides, facts = learn_parts(images, quality)
        write_parts(path, parts, guides, facts, "float16", FORMAT)
        print(f"wrote {path.name}")


if __name__ == "__main__":
    run(main)
