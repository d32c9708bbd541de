"""Figure 3, `python -m comparisons.figure3`: a part of "ppt3" by several denoisers, sigma 50."""

from comparisons.draw.crop_figures import Scene, draw_methods
from comparisons.draw.crops import Window
from raisr.command import run

SCENE = Scene("set14m2", "ppt3.png", Window(328, 28, 112))
ROWS = ("noisy", "raisr_best", "carn16", "edsr16", "cs_carn", "cs_edsr", "dncnn", "ffdnet")


def main(arguments: list[str] | None = None) -> None:
    """Denoise, draw, and write the files."""
    draw_methods("figure3", __doc__, SCENE, ROWS, arguments, sigma=50)


if __name__ == "__main__":
    run(main)
