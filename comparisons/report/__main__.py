"""The command `python -m comparisons.report`: options, and the file it writes."""

import argparse
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from comparisons import command
from comparisons.measure.methods import METHODS
from comparisons.report.page import render
from comparisons.report.scenes import PROTOCOL, SHOWN, SIGMA, make_scene, photo_scene
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.provenance import write_file

_IMAGES = 7


def main(arguments: list[str] | None = None) -> None:
    """Denoise the images of the slider, gather everything else and write the page."""
    options = _options(arguments)
    sets = [load_dataset(name, download=options.download) for name in options.datasets]
    denoisers = {name: METHODS[name].build(PROTOCOL, SIGMA) for name in options.methods}
    chosen = [(dataset, image) for dataset in sets for image in islice(dataset, options.images)]
    if not any(denoisers.values()):
        raise ValueError(f"--methods: {', '.join(denoisers)}: not trained, wanted one that is")
    photos = [photo_scene(path) for path in options.photo]  # first: a wrong file is told at once
    progress = tqdm(chosen, desc="denoising", unit="image", disable=None)
    scenes = [make_scene(dataset, image, denoisers) for dataset, image in progress]
    write_file(options.output, render([*scenes, *photos]))
    command.announce([options.output])


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m comparisons.report",
        description="Write one self-contained HTML page: tables, figures, filter banks, and a "
        "slider between noisy and denoised images.",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="FILE")
    command.add_dataset_option(parser, "image sets of the slider")
    parser.add_argument(
        "--images",
        type=command.at_least(1),
        default=_IMAGES,
        metavar="N",
        help=f"first images of each set (default: {_IMAGES}); each adds some 0.5 MB to the page",
    )
    parser.add_argument(
        "--methods",
        action=command.ListOf,
        item=command.one_of(list(METHODS)),
        default=list(SHOWN),
        metavar="NAME",
        help=f"in the slider, of {', '.join(METHODS)} (default: {' '.join(SHOWN)})",
    )
    parser.add_argument(
        "--photo",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="photographs for the slider, denoised with nothing told",
    )
    command.add_data_options(parser)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(main)
