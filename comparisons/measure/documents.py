"""Pages of text, rules, charts, drawings and dithers: contrast that photographs do not have.

Every page is made from its number and a seed; none is anybody's picture.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from raisr.noise import noise_seed

__all__ = ["HELD_BACK_FONTS", "LEARNED_FONTS", "Documents"]

LEARNED_FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "DejaVuSansMono",
)
HELD_BACK_FONTS = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmss10", "cmtt10")
_LETTERS = "eeeetttaaaooiinnsshhrrddllucmwfgypbvkjxqzETAOINSHRDLU0123456789.,;:-()"


@dataclass(frozen=True)
class Documents:
    """Square pages in colour, (side, side, 3) uint8; the kinds of page take turns.

    Attributes
    ----------
    count : int
        Number of pages.
    seed : int
    fonts : sequence of str
        Names of files that matplotlib brings.
    side : int
        Pixels.
    coloured : bool
        Whether papers and inks are all of strong colours, but for some white and black papers;
        otherwise two thirds of the pages are gray.
    """

    count: int
    seed: int = 0
    fonts: Sequence[str] = LEARNED_FONTS
    side: int = 256
    coloured: bool = False

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self.page(index) for index in range(self.count))

    def noise_seed(self, index: int, sigma: float) -> int:
        """Return the seed of a page's noise."""
        return noise_seed("documents", f"{self.seed}.{index}", sigma)

    def page(self, index: int) -> NDArray[np.uint8]:
        """Return the page of a number: the same whatever their count."""
        rng = np.random.default_rng([self.seed, index])
        draw, layers, softest = _KINDS[index % len(_KINDS)]
        scale = int(rng.choice([1, 3]))  # drawn larger and reduced, edges are smooth
        paper, inks = (_strong_colours if self.coloured else _colours)(rng, layers)
        page = np.full((self.side, self.side, 3), paper, np.float64)
        for ink in inks:
            mask = Image.new("L", (self.side * scale, self.side * scale))
            draw(_Pen(ImageDraw.Draw(mask), rng, self.side, scale, self.fonts))
            cover = np.asarray(mask.reduce(scale), np.float64)[..., None] / 255
            page += cover * (ink - page)
        if softest:
            from scipy.ndimage import gaussian_filter

            page = gaussian_filter(page, (*[rng.uniform(0.4, softest)] * 2, 0))
        return np.rint(page).astype(np.uint8)


def _colours(rng: Generator, layers: int) -> tuple[NDArray, NDArray]:
    """Paper and inks: black on white, gray on gray, white on black, or in colour."""
    paper, inks = np.full(3, 255.0), np.zeros((layers, 3))
    look = rng.random()
    if look > 0.5:
        paper[:] = rng.integers(200, 256)
        inks[:] = rng.integers(0, 100, (layers, 1))
    if look > 0.7:
        inks = rng.integers(0, 256, (layers, 3)).astype(float)
    if look > 0.85:
        paper, inks = 255 - paper, 255 - inks
    return paper, inks


def _strong_colours(rng: Generator, layers: int) -> tuple[NDArray, NDArray]:
    """Paper and inks in colour; paper is white or black on half of the pages."""
    tones = rng.uniform(0, 255, (layers + 1, 3))
    tones[np.arange(layers + 1), rng.integers(0, 3, layers + 1)] *= rng.uniform(0, 0.4)
    paper, inks = tones[0], tones[1:]
    if (look := rng.random()) < 0.5:
        paper[:] = 255 if look < 0.3 else 0
    return paper, inks


@dataclass(frozen=True)
class _Pen:
    """What draws on the mask of one ink, in pixels of the page."""

    draw: ImageDraw.ImageDraw
    rng: Generator
    side: int
    scale: int
    fonts: Sequence[str]

    def line(self, points: ArrayLike, width: int) -> None:
        corners = [tuple(point) for point in (np.asarray(points) * self.scale).tolist()]
        self.draw.line(corners, 255, max(1, round(width * self.scale)))

    def box(self, corners: NDArray, *, filled: bool) -> tuple[list[float], dict]:
        low, high = np.sort(np.asarray(corners), axis=0) * self.scale
        width = int(self.rng.integers(1, 4)) * self.scale
        return [*low, *high], {"fill": 255} if filled else {"outline": 255, "width": width}

    def point(self, count: int) -> NDArray:
        return self.rng.uniform(0, self.side, (count, 2))


def _text(pen: _Pen) -> None:
    size = pen.rng.choice([7, 8, 9, 10, 11, 12, 14, 16, 20, 28, 40])
    font = _font(str(pen.rng.choice(pen.fonts)), int(size) * pen.scale)
    step = round(size * pen.rng.uniform(1.0, 1.5))
    for row in range(-int(size) // 2, pen.side, step):
        letters = pen.rng.choice(list(_LETTERS + " " * 12), 2 * pen.side // int(size) + 4)
        place = -int(pen.rng.integers(0, size)) * pen.scale, row * pen.scale
        pen.draw.text(place, "".join(letters), 255, font)


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)


def _rules(pen: _Pen) -> None:
    """Draw parallel lines along an axis or of any slope, crossed by others or not."""
    angle = pen.rng.choice([0.0, np.pi / 2, pen.rng.uniform(0, np.pi)])
    for turn in (0, np.pi / 2)[: pen.rng.integers(1, 3)]:
        along = np.array([np.cos(angle + turn), np.sin(angle + turn)])
        period, width = int(pen.rng.integers(3, 25)), int(pen.rng.integers(1, 4))
        width = min(width, period // 2)
        for offset in range(-pen.side, pen.side, period):
            middle = pen.side / 2 + offset * along[::-1] * [-1, 1]
            pen.line(np.rint([middle - 2 * pen.side * along, middle + 2 * pen.side * along]), width)


def _chart(pen: _Pen) -> None:
    places = np.linspace(0, pen.side, int(pen.rng.integers(8, 50)))
    heights = np.cumsum(pen.rng.normal(0, 12, len(places))) + pen.rng.uniform(0, pen.side)
    pen.line(np.stack([places, heights], axis=1), int(pen.rng.integers(1, 4)))
    for place, height in zip(places[::3], heights[::3], strict=True):
        pen.line([[place, pen.side], [place, (height + pen.side) / 2]], int(pen.rng.integers(1, 6)))
    corner = int(pen.rng.integers(4, 40))
    pen.line([[corner, 0], [corner, pen.side - corner], [pen.side, pen.side - corner]], 1)
    font = _font(str(pen.rng.choice(pen.fonts)), 9 * pen.scale)
    for place in range(0, pen.side, 32):
        at = (corner + 2) * pen.scale, place * pen.scale
        pen.draw.text(at, f"{pen.rng.integers(1000)}", 255, font)


def _drawing(pen: _Pen) -> None:
    for _ in range(pen.rng.integers(3, 12)):
        place, options = pen.box(pen.point(2), filled=pen.rng.random() < 0.2)
        shape = pen.draw.ellipse if pen.rng.random() < 0.5 else pen.draw.rectangle
        shape(place, **options)
        pen.line(pen.point(int(pen.rng.integers(2, 5))), int(pen.rng.integers(1, 4)))


def _dither(pen: _Pen) -> None:
    """Draw a ramp in dots, ordered or random."""
    side, cell = pen.side, int(pen.rng.choice([1, 1, 2, 3]))
    rows, columns = np.indices((side, side)) // cell
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16
    limits = order[rows % 4, columns % 4]
    if pen.rng.random() < 0.3:
        limits = pen.rng.random((side, side))[rows, columns]
    first, last = pen.rng.uniform(0, 1, 2)
    ramp = np.linspace(first, last, side)
    dots = Image.fromarray(((limits < ramp) * 255).astype(np.uint8))
    pen.draw.bitmap((0, 0), dots.resize([side * pen.scale] * 2, Image.Resampling.NEAREST), 255)


_KINDS: tuple[tuple[Callable[[_Pen], None], int, float], ...] = (
    (_text, 1, 0.0),
    (_rules, 1, 0.0),
    (_chart, 2, 0.0),
    (_text, 1, 1.2),  # as a scanner sees it
    (_drawing, 2, 0.0),
    (_rules, 1, 0.0),
    (_text, 1, 0.0),
    (_dither, 1, 0.0),
)
"""What draws, in how many inks, and the largest blur."""
