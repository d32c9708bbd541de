"""Figure 7, `python -m comparisons.figure7`: PSNR against blocks and features, EDSR and CS-EDSR.

The networks are trained short and equal, by `comparisons/runs/figure7_*.toml`: each plain network
starts from nothing, then it and its class-specific twin go on from the same weights for as many
steps. Draws stored results; `--measure` measures what was trained first.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from comparisons import command
from comparisons.draw.figures import (
    BLUE,
    VERMILION,
    WIDTH,
    Row,
    add_results_option,
    conditions,
    figure_parser,
    save,
    stem,
)
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.evaluate import denoising_measure, evaluate
from comparisons.measure.networks import find_weights, network_denoiser, weights_name
from comparisons.measure.protocol import Protocol
from comparisons.measure.store import Result, ResultKey, load_result, save_result
from raisr.command import run
from raisr.datasets import dataset_label, load_dataset

FIGURE = "figure7"
SETS = {"standard": "set12", "paper": "set14m2"}  # what the literature, and the paper, call Set12


@dataclass(frozen=True)
class Size:
    """An EDSR of so many blocks and features, plain or class-specific."""

    blocks: int
    features: int
    special: bool

    @property
    def label(self) -> str:
        """Name in the paper: B8F16 has 8 blocks of 16 features."""
        return f"{'CS-' * self.special}B{self.blocks}F{self.features}"

    @property
    def network(self) -> str:
        """Name of its run, without protocol and noise level."""
        return f"{FIGURE}_{self.label.lower().replace('-', '_')}"

    def build(self, protocol: Protocol, sigma: float) -> Denoiser | None:
        """Return the network with the weights of its run; None where it is not trained."""
        from hybrid import zoo

        weights = find_weights(weights_name(protocol, sigma, self.network))
        return None if weights is None else network_denoiser(zoo.load(weights))


_BLOCKS = [(blocks, 16) for blocks in (8, 16, 32)]
_FEATURES = [(16, features) for features in (8, 16, 32)]
SIZES = tuple(
    Size(blocks, features, special)
    for blocks, features in sorted({*_BLOCKS, *_FEATURES})
    for special in (False, True)
)

Results = dict[Size, Result]


def measure(protocol: Protocol, sigma: float, options: argparse.Namespace) -> None:
    """Measure what was trained, and store a result file for each network."""
    dataset = load_dataset(SETS[protocol.name], download=options.download)
    built = {size: size.build(protocol, sigma) for size in SIZES}
    trained = {size: denoiser for size, denoiser in built.items() if denoiser}
    measures = [denoising_measure(s.label, denoiser, protocol) for s, denoiser in trained.items()]
    cache = options.output / "cache"
    records = evaluate(dataset, measures, protocol, sigma, cache_dir=cache)
    for size, denoiser in trained.items():
        facts = {
            "label": size.label,
            "fingerprint": denoiser.fingerprint,
            "kflops_per_pixel": denoiser.kflops,
            **denoiser.facts,
        }
        save_result(options.results, _key(size, protocol, sigma), facts, records[size.label])


def read_results(root: Path, protocol: Protocol, sigma: float) -> Results:
    """Return the stored results."""
    found = {size: load_result(root, _key(size, protocol, sigma)) for size in SIZES}
    return {size: result for size, result in found.items() if result}


def rows(results: Mapping[Size, Result], protocol: Protocol, sigma: float) -> list[Row]:
    """Return a line for every size, "not trained" where there is no result."""
    return [
        {
            "protocol": protocol.name,
            "sigma": sigma,
            "set": SETS[protocol.name],
            "network": size.label,
            "blocks": size.blocks,
            "features": size.features,
            **_numbers(results.get(size)),
        }
        for size in SIZES
    ]


def draw(results: Mapping[Size, Result], protocol: Protocol, sigma: float) -> Figure:
    """Return the figure: PSNR against blocks, and against features."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_line(left, results, _BLOCKS, [blocks for blocks, _ in _BLOCKS])
    _draw_line(right, results, _FEATURES, [features for _, features in _FEATURES])
    left.set_xlabel("blocks, of 16 features")
    right.set_xlabel("features, in 16 blocks")
    left.set_ylabel(f"PSNR on {dataset_label(SETS[protocol.name])}, dB")
    left.legend(loc="lower right")
    figure.suptitle(f"protocol {protocol.name}, sigma {sigma:g}", fontsize=9)
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Draw, and write the files."""
    parser = figure_parser("comparisons.figure7", __doc__, sigmas=[25])
    parser.add_argument(
        "--measure", action="store_true", help="first measure what was trained, see the folder runs"
    )
    add_results_option(parser)
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    for protocol, sigma in conditions(options):
        if options.measure:
            measure(protocol, sigma, options)
        results = read_results(options.results, protocol, sigma)
        told = f"protocol {protocol.name}, sigma {sigma:g}"
        if absent := [size.label for size in SIZES if size not in results]:
            print(f"{told}: not trained: {', '.join(absent)}")
        if results:
            figure, numbers = draw(results, protocol, sigma), rows(results, protocol, sigma)
            command.announce(save(figure, numbers, options.output, stem(FIGURE, protocol, sigma)))


def _key(size: Size, protocol: Protocol, sigma: float) -> ResultKey:
    return ResultKey(FIGURE, protocol.name, sigma, SETS[protocol.name], size.label)


def _numbers(result: Result | None) -> dict[str, object]:
    if result is None:
        return {"PSNR": "not trained", "SSIM": None, "kFLOPs per pixel": None, "steps": None}
    about, mean = result["metadata"], result["mean"]
    return {
        "PSNR": mean["psnr"],
        "SSIM": mean["ssim"],
        "kFLOPs per pixel": about["kflops_per_pixel"],
        "steps": about["steps"],
    }


def _draw_line(
    axes: Axes,
    results: Mapping[Size, Result],
    shapes: Sequence[tuple[int, int]],
    places: Sequence[int],
) -> None:
    """Draw a line for EDSR and one for CS-EDSR, over the sizes that were measured."""
    for special, name, marker, colour, style in (
        (True, "CS-EDSR", "o", VERMILION, "-"),
        (False, "EDSR", "s", BLUE, "--"),
    ):
        points = [
            (place, results[size]["mean"]["psnr"])
            for shape, place in zip(shapes, places, strict=True)
            if (size := Size(*shape, special)) in results
        ]
        axes.plot(
            [place for place, _ in points],
            [psnr for _, psnr in points],
            marker=marker,
            color=colour,
            linestyle=style,
            label=name,
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(places, [str(place) for place in places])
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


if __name__ == "__main__":
    run(main)
