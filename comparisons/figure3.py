"""Figure 3, `python -m comparisons.figure3`: a part of "ppt3" by several denoisers, sigma 50."""

from comparisons.crop_study import CropFigure, by_label
from comparisons.measure.scenes import Scene, Window
from raisr.command import run

SCENE = Scene("set14m2", "ppt3.png", Window(328, 28, 112))
ROWS = ("noisy", "raisr_best", "carn16", "edsr16", "cs_carn", "cs_edsr", "dncnn", "ffdnet")
FIGURE = CropFigure("figure3", SCENE, 50, by_label(ROWS))


def main(arguments: list[str] | None = None) -> None:
    """Denoise, draw, and write the files."""
    FIGURE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
