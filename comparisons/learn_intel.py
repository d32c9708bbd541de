"""Learn filters for Intel's library: `python -m comparisons.learn_intel FOLDER`.

One pass of 24 x 3 x 3 classes is learned from the luma of bsd400 (16 to 235), as the shipped
banks are, written as a folder, and measured on set14 with raisr.upscale.
"""

import time
from functools import partial
from pathlib import Path

import numpy as np

from comparisons import command
from comparisons.measure.enlarging import METHODS, PROTOCOL, Enlarger, measure, video_luma
from comparisons.measure.store import COMMITTED
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.intel_filters import IntelFilters
from raisr.provenance import environment, git_commit, write_json
from raisr.upscaling import upscale

RESULTS = COMMITTED / "intel_filters.json"
_TEST = "set14"


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the filters; measure them, and write the results."""
    name = "comparisons.learn_intel"
    parser = Parser(prog=f"python -m {name}", description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the filters go")
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    training = load_dataset("bsd400", download=options.download)
    lumas = [video_luma(image.read()).astype(np.uint8) for image in training]
    start = time.process_time()
    filters = IntelFilters.learn(lumas)
    seconds = time.process_time() - start
    filters.save(options.folder)
    methods = {
        "bicubic": METHODS["bicubic"],
        "intel": Enlarger("filters for Intel's library", partial(upscale, model=filters)),
    }
    found = measure(load_dataset(_TEST, download=options.download), filters.factor, methods)
    mean = {method: round(float(np.mean(one["psnr"])), 2) for method, one in found.items()}
    about = {
        "protocol": PROTOCOL,
        "training_set": "bsd400",
        "training_images": len(training),
        "cpu_seconds": round(seconds, 1),
        "test_set": _TEST,
        "git_commit": git_commit(),
        **environment(),
    }
    write_json(RESULTS, {"metadata": about, "psnr": mean})
    print(f"{_TEST} x2: {mean}; learned in {seconds:.0f} s of CPU time")
    command.announce([options.folder, RESULTS])


if __name__ == "__main__":
    run(main)
