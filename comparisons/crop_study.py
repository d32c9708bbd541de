"""What figures 3, 4 and 6 share: the same part of one test image by several denoisers."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comparisons import command
from comparisons.draw import panels
from comparisons.draw.figures import printed_numbers
from comparisons.measure.denoisers import Denoisers
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import Protocol
from comparisons.measure.scenes import Scene, views
from comparisons.study import Drawing, draw_each


@dataclass(frozen=True)
class CropFigure:
    """A figure of crops; `main` is its command.

    Attributes
    ----------
    name : str
        Of its module and its files.
    scene : Scene
    sigma : float
        What its command shows by default.
    build : callable
        ``build(protocol, sigma)``: the denoisers by label; None where there are no weights.
    """

    name: str
    scene: Scene
    sigma: float
    build: Callable[[Protocol, float], Denoisers]

    def main(self, about: str, arguments: list[str] | None) -> None:
        """Denoise, draw, and write the files."""
        options = parse(self.name, about, arguments, self.sigma)
        draw_each(
            self.name,
            options,
            lambda protocol, sigma: self.drawing(protocol, sigma, download=options.download),
        )

    def drawing(self, protocol: Protocol, sigma: float, *, download: bool = False) -> Drawing:
        """Return the figure of a protocol and noise level, and its numbers."""
        denoisers = self.build(protocol, sigma)
        sample = self.scene.sample(protocol, sigma, download=download)
        found = views(self.scene, sample, denoisers, protocol)
        title = f"{self.scene.image}, protocol {protocol.name}, sigma {sigma:g}"
        if absent := [label for label, denoiser in denoisers.items() if denoiser is None]:
            print(f"{title}: no weights here: {', '.join(absent)}")
        printed = printed_numbers(self.name, protocol, sigma)
        figure = panels.draw(self.scene, sample, found, title)
        return figure, panels.rows(self.scene, sample, found, printed)


def parse(figure: str, about: str, arguments: list[str] | None, sigma: float) -> Namespace:
    """Return the options of the command of a figure that needs images."""
    parser = command.figure_parser(f"comparisons.{figure}", about, sigmas=[sigma])
    command.add_data_options(parser)
    return parser.parse_args(arguments)


def by_label(methods: Sequence[str]) -> Callable[[Protocol, float], Denoisers]:
    """Return what builds rows of the tables, those defined under a protocol at a noise level."""

    def build(protocol: Protocol, sigma: float) -> Denoisers:
        return {
            METHODS[name].label: METHODS[name].build(protocol, sigma)
            for name in methods
            if METHODS[name].defined(protocol.name, sigma)
        }

    return build
