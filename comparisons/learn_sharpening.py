"""Learn the filters that sharpen: `python -m comparisons.learn_sharpening`.

Gray photographs of bsd400 are blurred by Gaussians, noise is added, and two of three are
compressed; the filters give back the photographs, and a quarter of the noise, whose seeds are the
places of the photographs. `--hold-back` learns without every tenth image, and measures on these; it
prints the best unsharp mask on them, too.
"""

import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_models import HELD_BACK_IMAGES
from comparisons.measure.sharpening import CONDITIONS, scikit_image, soft
from raisr import HashSpec, __version__
from raisr.cascade import run_stages
from raisr.colour import rgb_to_gray
from raisr.colour_files import write_parts
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.filtering import Stage
from raisr.learning_sharpening import BLURS, KEPT, QUALITIES, learn_sharpening
from raisr.metrics import psnr
from raisr.provenance import environment, git_commit
from raisr.sharpening import BANK, FORMAT, LEVELS
from raisr.validate import GRAY_LEVELS, GrayImage

_MASKS = (0.5, 0.7, 1.0, 1.5, 2.0), (0.5, 1.0, 1.5, 2.0, 3.0)  # radii and amounts

SPEC = HashSpec(
    window=7,
    weighting="gaussian",
    gaussian_sigma=1.5,
    orientations=16,
    strength_edges=tuple(np.arange(1, 5) / 255),
    coherence_edges=(1 / 3, 2 / 3),
)
"""Classes; the edges are placeholders."""

SIZE = 7
"""Side of the filters."""


def learn_levels(
    images: Sequence[NDArray[np.uint8]],
) -> tuple[dict[str, list[Stage]], dict[str, Any]]:
    """Return the stage of each level, by its name, and the facts of their training."""
    start = time.perf_counter()
    parts = {f"{level:g}": [learn_sharpening(images, level, SPEC, SIZE)] for level in LEVELS}
    facts = {
        "raisr": __version__,
        "seconds": round(time.perf_counter() - start, 1),
        "training_set": "bsd400",
        "training_images": len(images),
        "pixels": sum(image.size for image in images),
        "blurs": BLURS,
        "qualities": QUALITIES,
        "noise_kept": KEPT,
        "terms": "learned from BSDS500, which is for non-commercial research and education",
        "git_commit": git_commit(),
        **environment(),
    }
    return parts, facts


def print_held_back(images: Sequence[NDArray[np.uint8]]) -> None:
    """Learn from all but the held-back images, and print the PSNR on these, unbounded."""
    held_back = images[HELD_BACK_IMAGES]
    others = set(range(len(images))[HELD_BACK_IMAGES])
    kept = [image for place, image in enumerate(images) if place not in others]
    parts, _ = learn_levels(kept)
    for level, blur in itertools.product(LEVELS, BLURS):
        found = []
        for place, image in enumerate(held_back):
            source, out = soft(image, blur, level, place), np.empty(image.shape, np.float32)
            run_stages(parts[f"{level:g}"], [GrayImage(source)], [out], GRAY_LEVELS, 1)
            found.append((psnr(source, image), psnr(out, image)))
        before, after = np.mean(found, axis=0)
        print(f"noise {level:g}, blur {blur:g}: {before:.2f}, sharpened {after:.2f} dB")
    radius, amount = max(itertools.product(*_MASKS), key=lambda mask: _mask_psnr(mask, held_back))
    print(f"best unsharp mask: radius {radius:g}, amount {amount:g}")


def _mask_psnr(mask, images):
    """Return the mean PSNR in dB of an unsharp mask over the conditions of the table."""
    run = scikit_image(*mask)
    return np.mean(
        [
            psnr(run(soft(image, *condition, place)), image)
            for condition in CONDITIONS
            for place, image in enumerate(images)
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the filters, or measure the recipe on bsd400."""
    name = "comparisons.learn_sharpening"
    parser = Parser(prog=f"python -m {name}", description=__doc__.split("\n\n")[0])
    command.add_learning_options(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    images = [rgb_to_gray(image.read()) for image in dataset]
    if options.hold_back:
        print_held_back(images)
        return
    parts, facts = learn_levels(images)
    write_parts(BANK, parts, (), facts, "float16", FORMAT)
    print(f"wrote {BANK.name}")


if __name__ == "__main__":
    run(main)
