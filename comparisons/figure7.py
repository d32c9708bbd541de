"""Figure 7, `python -m comparisons.figure7`: PSNR against blocks and features, EDSR and CS-EDSR.

The networks are trained short and equal, by `comparisons/runs/figure7_*.toml`: each plain network
starts from nothing, then it and its class-specific twin go on from the same weights for as many
steps. Draws stored results; `--measure` measures what was trained first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from comparisons import command
from comparisons.draw.figures import BLUE, VERMILION, WIDTH, Line
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.networks import find_weights, network_denoiser, weights_name
from comparisons.measure.protocol import Protocol
from comparisons.measure.store import Result
from comparisons.study import Conditions, Drawing, Row, Run, Study, denoising_row, draw_each
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

Found = dict[Size, Result]


class SizeStudy(Study):
    """PSNR and SSIM of all sizes."""

    name = kind = FIGURE

    def methods(self, protocol: Protocol, sigma: float) -> list[str]:
        """Return all sizes."""
        return [size.label for size in SIZES]

    def build(self, protocol: Protocol, sigma: float) -> dict[str, Row]:
        """Return those that are trained."""
        return {
            size.label: denoising_row(size.label, denoiser, protocol, label=size.label)
            for size in SIZES
            if (denoiser := size.build(protocol, sigma))
        }

    def found(self, root: Path, protocol: Protocol, sigma: float) -> Found:
        """Return the stored results of a noise level, by size."""
        results = self.read(root, Conditions([protocol], [sigma], [SETS[protocol.name]]))
        by_label = {key.method: result for key, result in results.items()}
        return {size: by_label[size.label] for size in SIZES if size.label in by_label}


STUDY = SizeStudy()


def rows(results: Found, protocol: Protocol, sigma: float) -> list[Line]:
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


def draw(results: Found, protocol: Protocol, sigma: float) -> Figure:
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
    parser = command.figure_parser("comparisons.figure7", __doc__, sigmas=[25])
    parser.add_argument(
        "--measure", action="store_true", help="first measure what was trained, see the folder runs"
    )
    command.add_results_option(parser)
    command.add_data_options(parser)
    options = parser.parse_args(arguments)

    def drawing(protocol: Protocol, sigma: float) -> Drawing | None:
        if options.measure:
            dataset = load_dataset(SETS[protocol.name], download=options.download)
            run = Run(options.results, options.output / "cache")
            STUDY.measure(STUDY.build(protocol, sigma), dataset, protocol, sigma, run)
        results = STUDY.found(options.results, protocol, sigma)
        if absent := [size.label for size in SIZES if size not in results]:
            level = f"protocol {protocol.name}, sigma {sigma:g}"
            print(f"{level}: not trained: {', '.join(absent)}")
        if not results:
            return None
        return draw(results, protocol, sigma), rows(results, protocol, sigma)

    draw_each(FIGURE, options, drawing)


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
    results: Found,
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
