"""Figure 4, `python -m comparisons.figure4`: a part of "img079" by several denoisers, sigma 25."""

from comparisons.crop_study import CropFigure, by_label
from comparisons.measure.scenes import Scene, Window
from raisr.command import run

SCENE = Scene("urban100", "img_079.png", Window(180, 926, 96))
ROWS = ("noisy", "raisr_n", "raisr_best", "kpn", "kpn_plus", "edsr16", "cs_edsr", "dncnn", "ffdnet")
FIGURE = CropFigure("figure4", SCENE, 25, by_label(ROWS))


def main(arguments: list[str] | None = None) -> None:
    """Denoise, draw, and write the files."""
    FIGURE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
