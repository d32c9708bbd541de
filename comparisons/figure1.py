"""Figure 1, `python -m comparisons.figure1`: PSNR against FLOPs, and against measured time.

PSNR is that of the stored results on BSD68, under the protocol `paper` beside what the paper
prints; time is that of `comparisons.times`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from comparisons import command
from comparisons.draw.figures import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILION,
    WIDTH,
    Line,
    save,
)
from comparisons.draw.labels import label_points, labels_of_lines
from comparisons.draw.quality import KIND
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS, Protocol
from comparisons.measure.published import paper_rows
from comparisons.measure.store import ResultKey, read_results
from comparisons.times import read_times
from raisr.command import run
from raisr.datasets import dataset_label

FIGURE = "figure1"
SETS = {"standard": "bsd68", "paper": "cbsd68"}
_ROWS = (
    "raisr_fast",
    "raisr_best",
    "carn16",
    "cs_carn",
    "edsr16",
    "cs_edsr",
    "dncnn_trained",
    "carn64",
    "edsr64",
    "red",
    "memnet",
    "focnet",
    "sgn",
    "dncnn",
    "ffdnet",
)
_AXES = {
    "kFLOPs per pixel": "kFLOPs per pixel",
    "seconds per megapixel": "seconds per megapixel, one thread",
}
_HERE, _PAPER = "here", "the paper"


@dataclass(frozen=True)
class Family:
    """How the points of some methods look."""

    name: str
    marker: str
    colour: str


_FILTERS = Family("learned filters (raisr)", "o", VERMILION)
_SPECIAL = Family("class-specific networks", "^", GREEN)
_SMALL = Family("their plain networks", "s", BLUE)
_LARGE = Family("large networks", "D", PURPLE)
_BRIEF = Family("large networks, trained for minutes", "v", GREY)


def family(line: Line) -> Family:
    """Return the family of the method of a line."""
    label = line["method"]
    if label.startswith("raisr"):
        return _FILTERS
    if label.startswith("CS-"):
        return _SPECIAL
    if label in ("EDSR16", "CARN16"):
        return _SMALL
    public = label.endswith(", public") or line["measured by"] == _PAPER
    return _LARGE if public else _BRIEF


def points(
    protocol: Protocol, sigmas: Iterable[float], root: Path, times: Mapping[str, float]
) -> list[Line]:
    """Return a line for every method measured here, and under `paper` for those it prints.

    Parameters
    ----------
    protocol, sigmas
        Of the numbers.
    root : Path
        Folder of results.
    times : mapping
        Label -> seconds per megapixel.
    """
    name = SETS[protocol.name]
    lines: list[Line] = []
    for sigma in sigmas:
        found = []
        wanted = (ResultKey(KIND, protocol.name, sigma, name, method) for method in _ROWS)
        for key, result in read_results(root, wanted).items():
            label, mean = METHODS[key.method].label, result["mean"]
            kflops = result["metadata"]["kflops_per_pixel"]
            found.append((label, _HERE, mean["psnr"], kflops, times.get(label)))
        printed = paper_rows("table1", sigma) if protocol.name == "paper" else {}
        for label, row in printed.items():
            found.append((label, _PAPER, row.cells[name][0], row.kflops, None))
        about = {"protocol": protocol.name, "set": name, "sigma": sigma}
        keys = ("method", "measured by", "PSNR", *_AXES)
        lines += [about | dict(zip(keys, values, strict=True)) for values in found]
    return lines


def draw(lines: Sequence[Line], title: str) -> Figure:
    """Return the figure: a column for each noise level; PSNR against FLOPs above, time below."""
    sigmas = list(dict.fromkeys(line["sigma"] for line in lines))
    costs = [cost for cost in _AXES if any(line[cost] is not None for line in lines)]
    heights = [5.2, 2.6][: len(costs)]  # the large networks of the paper crowd the upper row
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.7), layout="constrained")
    axes = figure.subplots(
        len(costs), len(sigmas), squeeze=False, sharex="row", sharey="col", height_ratios=heights
    )
    for across, cost in zip(axes, costs, strict=True):
        for axis, sigma in zip(across, sigmas, strict=True):
            _draw_points(axis, [line for line in lines if line["sigma"] == sigma], cost)
        across[0].set_ylabel("PSNR, dB", fontsize=8)
        across[len(sigmas) // 2].set_xlabel(_AXES[cost], fontsize=8)
    for axis, sigma in zip(axes[0], sigmas, strict=True):
        axis.set_title(f"sigma {sigma:g}", fontsize=9)
    figure.legend(
        handles=_legend(lines), loc="outside lower center", ncols=3, fontsize=7, frameon=False
    )
    figure.suptitle(title, fontsize=9)
    figure.draw_without_rendering()
    for axis in axes.ravel():
        label_points(axis, labels_of_lines(axis))
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Draw, and write the files."""
    parser = command.figure_parser(f"comparisons.{FIGURE}", __doc__, sigmas=[15, 25, 50])
    command.add_results_option(parser)
    options = parser.parse_args(arguments)
    times = read_times(options.results)
    if not times:
        print("no times: left out of the picture; python -m comparisons.times measures them")
    for protocol in (PROTOCOLS[name] for name in options.protocol):
        lines = points(protocol, options.sigma, options.results, times)
        if not lines:
            raise ValueError(f"no results under protocol {protocol.name} in {options.results}")
        title = f"{dataset_label(SETS[protocol.name])}, protocol {protocol.name}"
        files = save(draw(lines, title), lines, options.output, f"{FIGURE}_{protocol.name}")
        command.announce(files)


def _draw_points(axis: Axes, lines: Sequence[Line], cost: str) -> None:
    axis.set_xscale("log")
    axis.margins(x=0.2, y=0.12)
    axis.grid(which="major", color="0.9")
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=7)
    axis.xaxis.set_minor_formatter(NullFormatter())
    for line in lines:
        if line[cost] is None:
            continue
        look = family(line)
        axis.plot(
            line[cost],
            line["PSNR"],
            look.marker,
            color=look.colour,
            fillstyle="full" if line["measured by"] == _HERE else "none",
            markersize=5,
            label=line["method"],
        )


def _legend(lines: Sequence[Line]) -> list[Line2D]:
    looks = list(dict.fromkeys(family(line) for line in lines))
    handles = [
        Line2D([], [], linestyle="", marker=look.marker, color=look.colour, label=look.name)
        for look in looks
    ]
    if any(line["measured by"] == _PAPER for line in lines):
        name = "printed by the paper (hollow)"
        hollow = Line2D([], [], linestyle="", marker="o", color="0.3", fillstyle="none", label=name)
        handles.append(hollow)
    return handles


if __name__ == "__main__":
    run(main)
