"""Figure 5, `python -m comparisons.figure5`: gradient statistics with and without noise.

Below, the statistics of one photograph: orientation, strength and coherence of the clean image,
which is the truth, of the noisy image, and what PCN predicts from the noisy image. Above, a part
of it by CS-EDSR with the classes of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from numpy.typing import NDArray

from comparisons.crop_study import parse
from comparisons.draw.figures import WIDTH, Line, printed_numbers
from comparisons.draw.panels import fill, numbers, paper_numbers
from comparisons.measure.gradients import (
    Predictor,
    class_accuracy,
    predicted_statistics,
    statistics,
    statistics_errors,
)
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import Protocol
from comparisons.measure.scenes import Scene, View, Window, views
from comparisons.study import Drawing, draw_each
from raisr.command import run
from raisr.noise import Sample

FIGURE = "figure5"
# "0041" of the paper: the 41st of BSD68.
SCENE = Scene("cbsd68", "216081.jpg", Window(60, 30, 72))


@dataclass(frozen=True)
class Source:
    """Where classes come from: its name in the paper, a label, and CS-EDSR with these classes."""

    printed: str
    label: str
    row: str


SOURCES = {
    "clean": Source("RAISR+C", "hash of the clean\nimage: the truth", "cs_edsr_clean"),
    "noisy": Source("RAISR+N", "hash of the noisy\nimage", "cs_edsr_noisy"),
    "pcn": Source("PCN+N", "PCN on the noisy\nimage", "cs_edsr"),
}
# Colour map and the value at its upper end; that of orientation goes round.
_MAPS = {
    "orientation (half turns)": ("twilight", 1.0),
    "strength": ("cividis", 0.2),
    "coherence": ("cividis", 1.0),
}

_ERRORS = ("MSE", "MSE, circular", "share of pixels in the right class")

Estimates = dict[str, NDArray]  # name -> (3, H, W) statistics


def estimate(sample: Sample, protocol: Protocol) -> Estimates:
    """Return the statistics of a sample: "clean", "noisy" and, where it is trained, "pcn"."""
    planes = {"clean": sample.clean, "noisy": sample.noisy}
    found = {name: statistics(plane, sample.data_range, 0) for name, plane in planes.items()}
    if predictor := Predictor.load(protocol, sample.sigma):
        found["pcn"] = predicted_statistics(predictor.network, sample, 0)
    return found


def denoise(sample: Sample, protocol: Protocol) -> list[View]:
    """Return the noisy image, and CS-EDSR with classes of each source, where it is trained."""
    rows_of = {"noisy": "noisy"} | {source.printed: source.row for source in SOURCES.values()}
    denoisers = {
        label: METHODS[row].build(protocol, sample.sigma) for label, row in rows_of.items()
    }
    return views(SCENE, sample, denoisers, protocol)


def rows(
    sample: Sample, estimates: Estimates, found: Sequence[View], protocol: Protocol
) -> list[Line]:
    """Return a line for each source, beside the paper's numbers where it has them."""
    printed = printed_numbers(FIGURE, protocol, sample.sigma)
    by_label = {view.label: view for view in found}
    return [
        {
            "protocol": protocol.name,
            "sigma": sample.sigma,
            "image": SCENE.image,
            "classes": source.printed,
            **_errors(name, estimates),
            "MSE in the paper": printed.get("mse", {}).get(source.printed),
            **numbers(by_label.get(source.printed)),
            **paper_numbers(printed.get(source.printed)),
        }
        for name, source in SOURCES.items()
    ]


def draw(sample: Sample, estimates: Estimates, found: Sequence[View], title: str) -> Figure:
    """Return the figure: the denoised part, and a row of maps for each estimate."""
    height, width = sample.clean.shape
    above = WIDTH / (len(found) + 2) + 0.4
    below = len(estimates) * (WIDTH - 0.7) / len(_MAPS) * height / width + 0.8
    figure = Figure(figsize=(WIDTH, above + below + 0.2), layout="constrained")
    (top,), (bottom,) = figure.subfigures(2, 1, squeeze=False, height_ratios=(above, below))
    fill(list(top.subplots(1, len(found) + 2)), SCENE, sample, found)
    axes = bottom.subplots(len(estimates), len(_MAPS), squeeze=False)
    for line, (name, maps) in zip(axes, estimates.items(), strict=True):
        for axis, plane, (colours, highest) in zip(line, maps, _MAPS.values(), strict=True):
            axis.imshow(plane, cmap=colours, vmin=0, vmax=highest, interpolation="none")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(_caption(name, estimates), fontsize=8)
    for column, heading in zip(axes.T, _MAPS, strict=True):
        bar = bottom.colorbar(column[-1].images[0], ax=column, location="bottom", aspect=40)
        bar.set_label(heading, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    figure.suptitle(title, fontsize=9)
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Estimate, denoise, draw, and write the files."""
    options = parse(FIGURE, __doc__, arguments, 25)

    def drawing(protocol: Protocol, sigma: float) -> Drawing:
        sample = SCENE.sample(protocol, sigma, download=options.download)
        estimates, found = estimate(sample, protocol), denoise(sample, protocol)
        title = f"{SCENE.image}, protocol {protocol.name}, sigma {sigma:g}"
        have = [view.label for view in found]
        absent = [f"CS-EDSR, {s.printed}" for s in SOURCES.values() if s.printed not in have]
        if absent := ["PCN"] * ("pcn" not in estimates) + absent:
            print(f"{title}: no weights here: {'; '.join(absent)}")
        figure = draw(sample, estimates, found, title)
        return figure, rows(sample, estimates, found, protocol)

    draw_each(FIGURE, options, drawing)


def _errors(name: str, estimates: Estimates) -> dict[str, float | None]:
    if name not in estimates:
        return dict.fromkeys(_ERRORS)
    pair = estimates[name], estimates["clean"]
    return dict(
        zip(_ERRORS, (*statistics_errors(*pair).values(), class_accuracy(*pair)), strict=True)
    )


def _caption(name: str, estimates: Estimates) -> str:
    source = SOURCES[name]
    caption = f"{source.label} ({source.printed})"
    if name == "clean":
        return caption
    linear, circular, right = _errors(name, estimates).values()
    return f"{caption}\nMSE {linear:.3f}, circular\n{circular:.3f}; {right:.0%} right"


if __name__ == "__main__":
    run(main)
