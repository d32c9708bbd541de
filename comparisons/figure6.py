"""Figure 6, `python -m comparisons.figure6`: a part of "barbara" by EDSR and CS-EDSR of all sizes.

The networks are those of figure 7, from their runs.
"""

from comparisons.crop_study import CropFigure
from comparisons.figure7 import SIZES
from comparisons.measure.denoisers import Denoisers
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import Protocol
from comparisons.measure.scenes import Scene, Window
from raisr.command import run

SCENE = Scene("set14m2", "barbara.png", Window(150, 408, 112))


def build(protocol: Protocol, sigma: float) -> Denoisers:
    """Return the noisy image and the networks of all sizes, by label."""
    noisy: Denoisers = {"noisy": METHODS["noisy"].build(protocol, sigma)}
    return noisy | {size.label: size.build(protocol, sigma) for size in SIZES}


FIGURE = CropFigure("figure6", SCENE, 25, build)


def main(arguments: list[str] | None = None) -> None:
    """Denoise, draw, and write the files."""
    FIGURE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
