"""Tune the classical peers on training images: `python -m benchmarks.tuning`.

Each setting of a grid is tried on images of bsd400 (none of them a test image), under the
protocol `standard` at sigma 25; the best one by mean PSNR belongs into
`comparisons.measure.classical`.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.case import SIGMA
from benchmarks.denoisers import PROTOCOL
from benchmarks.timing import thread_limit
from comparisons.command import add_data_options, at_least
from comparisons.measure.classical import CLASSICAL
from comparisons.measure.denoisers import Denoiser
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.noise import Sample

GRIDS: dict[str, dict[str, list[Any]]] = {
    "nl_means": {
        "strength": [0.5, 0.6, 0.7, 0.8, 0.9],
        "patch_size": [5, 7],
        "patch_distance": [6, 9],
    },
    "wavelet": {
        "method": ["BayesShrink", "VisuShrink"],
        "wavelet": ["db1", "db2", "sym4", "sym8"],
        "mode": ["soft", "hard"],
    },
    "total_variation": {"weight": [0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 1.0]},
    "opencv_nl_means": {
        "strength": [0.9, 1.0, 1.1, 1.2, 1.3],
        "patch": [3, 5, 7],
        "search": [7, 9, 11, 15, 21],
    },
    "bilateral": {
        "diameter": [7, 9, 11, 13],
        "strength": [2.0, 2.5, 3.0, 3.5],
        "spread": [1.0, 1.5, 2.0, 3.0],
    },
}
"""Row -> setting -> values to try."""


def settings_of(grid: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield every combination of a grid's values."""
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def mean_psnr(denoiser: Denoiser, samples: list[Sample]) -> float:
    """Return the mean PSNR of a denoiser."""
    return float(np.mean([PROTOCOL.score(denoiser.run(s), s.clean)[0] for s in samples]))


def main(arguments: list[str] | None = None) -> None:
    """Print the best settings of every tuned denoiser, and those in use."""
    parser = Parser(prog="python -m benchmarks.tuning", description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=at_least(1), default=16, help="spread over bsd400")
    add_data_options(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    step = max(1, len(dataset) // options.images)
    samples = [
        PROTOCOL.sample(dataset, image, SIGMA) for image in dataset.images[::step][: options.images]
    ]
    with thread_limit(1):
        for row, grid in GRIDS.items():
            peer = CLASSICAL[row]
            found = [(mean_psnr(peer.denoiser(s), samples), s) for s in settings_of(grid)]
            psnr, best = max(found, key=lambda pair: pair[0])
            now = mean_psnr(peer.denoiser(), samples)
            print(f"{peer.label}: {psnr:.2f} dB with {best}; in use: {now:.2f} dB", flush=True)


if __name__ == "__main__":
    run(main)
