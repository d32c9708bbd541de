"""Learn the banks that enlarge images: `python -m comparisons.learn_upscaling`.

Every bank is learned from the luma of bsd400 (MATLAB's rgb2ycbcr, 16 to 235), reduced by MATLAB's
antialiased bicubic and rounded to 8 bits. The recipe was chosen on every tenth image, held back:
`--hold-back` prints that measurement. Few classes make fast faster: all of its filters fit into
the cache.
"""

import itertools
import time
from collections.abc import Sequence

import numpy as np

from comparisons import command
from comparisons.learn_models import HELD_BACK_IMAGES
from comparisons.measure.enlarging import enlarged_psnr, video_luma
from raisr.command import Parser, run
from raisr.datasets import ImageFile, load_dataset
from raisr.learning_upscaling import RECIPES, learn_upscaling
from raisr.provenance import environment, git_commit
from raisr.upscaling import MODELS, bank_path
from raisr.upscaling_bank import UpscalingBank

_FACTORS = (2, 3, 4)


def learn_bank(images: Sequence[ImageFile], model: str, factor: int) -> UpscalingBank:
    """Return the bank of a model for a factor, with the facts of its training."""
    start = time.perf_counter()
    lumas = [video_luma(image.read()) for image in images]
    bank = learn_upscaling(lumas, factor, RECIPES[model], data_range=255)
    bank.metadata |= {
        "seconds": round(time.perf_counter() - start, 1),
        "training_set": "bsd400",
        "training_images": len(images),
        "low_resolution": "MATLAB's antialiased bicubic of the luma 16..235, rounded to 8 bits",
        "terms": "learned from BSDS500, which is for non-commercial research and education",
        "git_commit": git_commit(),
        **environment(),
    }
    return bank


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the banks that the options name, or measure the recipe on bsd400."""
    name = "comparisons.learn_upscaling"
    parser = Parser(prog=f"python -m {name}", description=__doc__.split("\n\n")[0])
    command.add_choices_option(parser, "--factor", _FACTORS, "N")
    command.add_choices_option(parser, "--model", MODELS)
    command.add_learning_options(parser)
    options = parser.parse_args(arguments)
    images = load_dataset("bsd400", download=options.download).images
    for model, factor in itertools.product(options.model, map(int, options.factor)):
        if options.hold_back:
            held_back = images[HELD_BACK_IMAGES]
            rest = [image for image in images if image not in held_back]
            bank = learn_bank(rest, model, factor)
            found = [enlarged_psnr(image.read(), factor, bank) for image in held_back]
            print(f"{model} x{factor}: {np.mean(found):.3f} dB on {len(held_back)} images")
            continue
        path = bank_path(model, factor)
        learn_bank(images, model, factor).save(path)
        print(f"wrote {path.name}")


if __name__ == "__main__":
    run(main)
