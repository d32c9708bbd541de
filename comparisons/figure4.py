"""Figure 4, `python -m comparisons.figure4`: a part of "img079" by several denoisers, sigma 25."""

from comparisons.draw.crop_figures import Scene, draw_methods
from comparisons.draw.crops import Window
from raisr.command import run

SCENE = Scene("urban100", "img_079.png", Window(180, 926, 96))
ROWS = ("noisy", "raisr_n", "raisr_best", "kpn", "kpn_plus", "edsr16", "cs_edsr", "dncnn", "ffdnet")


def main(arguments: list[str] | None = None) -> None:
    """Denoise, draw, and write the files."""
    draw_methods("figure4", __doc__, SCENE, ROWS, arguments, sigma=25)


if __name__ == "__main__":
    run(main)
