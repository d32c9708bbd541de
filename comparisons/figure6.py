"""Figure 6, `python -m comparisons.figure6`: a part of "barbara" by EDSR and CS-EDSR of all sizes.

The networks are those of figure 7, from their runs.
"""

from comparisons.draw.crop_figures import Scene, parse, publish
from comparisons.draw.crops import Window
from comparisons.draw.figures import conditions
from comparisons.figure7 import SIZES
from comparisons.measure.denoisers import Denoisers
from comparisons.measure.methods import METHODS
from raisr.command import run

SCENE = Scene("set14m2", "barbara.png", Window(150, 408, 112))


def main(arguments: list[str] | None = None) -> None:
    """Denoise, draw, and write the files."""
    options = parse("figure6", __doc__, arguments, 25)
    for protocol, sigma in conditions(options):
        denoisers: Denoisers = {"noisy": METHODS["noisy"].build(protocol, sigma)}
        denoisers |= {size.label: size.build(protocol, sigma) for size in SIZES}
        publish("figure6", SCENE, denoisers, protocol, sigma, options)


if __name__ == "__main__":
    run(main)
