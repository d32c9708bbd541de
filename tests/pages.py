"""Pages without noise, (side, side, 3) uint8: text, drawings and patterns in any colours."""

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 192
SENTENCE = "Sphinx of black quartz, judge my vow. Pack my box with five dozen jugs. "
LOOKS = {
    "red on black": ((219, 8, 6), (0, 0, 0)),
    "black on white": ((0, 0, 0), (255, 255, 255)),
    "dark theme": ((206, 145, 120), (30, 30, 30)),
    "yellow on blue": ((255, 220, 0), (20, 40, 120)),
    "faint": ((140, 120, 130), (100, 128, 110)),
}


@cache  # drawing takes longer than denoising
def cover(size, *, width=SIDE, height=SIDE):
    """Return how much of each pixel is ink on a page of text, (height, width), read-only."""
    import matplotlib

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    font = ImageFont.truetype(str(folder / "STIXGeneralBol.ttf"), size)
    mask = Image.new("L", (width, height))
    for row, top in enumerate(range(-size // 3, height, round(1.2 * size))):
        ImageDraw.Draw(mask).text((-7 * row, top), 9 * SENTENCE, 255, font)
    covered = np.asarray(mask, np.float64) / 255
    covered.flags.writeable = False
    return covered


def inked(covered, ink, paper):
    """Return a page as floats; what is covered may differ between red, green and blue."""
    covered = covered if covered.ndim == 3 else covered[..., None]
    return paper + covered * (np.asarray(ink, float) - np.asarray(paper, float))


def rounded(page):
    return np.rint(page).clip(0, 255).astype(np.uint8)


def text(look, size):
    return rounded(inked(cover(size), *LOOKS[look]))


def subpixels(look, size):
    """Return text drawn on the stripes of a screen, each a third of a pixel wide."""
    fine = cover(3 * size, width=3 * SIDE, height=3 * SIDE).reshape(SIDE, 3, -1).mean(axis=1)
    soft = (np.roll(fine, 1, 1) + fine + np.roll(fine, -1, 1)) / 3
    return rounded(inked(soft.reshape(SIDE, SIDE, 3), *LOOKS[look]))


def blurred(look, size, radius=1.0):
    from scipy.ndimage import gaussian_filter

    return rounded(inked(gaussian_filter(cover(size), radius), *LOOKS[look]))


def resized(look, size, factor=0.75):
    side = round(SIDE / factor)
    page = rounded(inked(cover(size, width=side, height=side), *LOOKS[look]))
    return np.array(Image.fromarray(page).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def on_a_slope(look, size):
    """Return text on a background that changes its colour slowly."""
    ramp = np.linspace(0, 60, SIDE)[:, None, None] * [1, 0.5, -0.4]
    ink, paper = LOOKS[look]
    return rounded(inked(cover(size), ink, paper + ramp))


def patches(cell, colours, seed=0):
    """Return squares in a few colours, at random."""
    rng = np.random.default_rng(seed)
    few = rng.integers(0, 256, (colours, 3), np.uint8)
    cells = few[rng.integers(0, colours, (SIDE // cell, SIDE // cell))]
    return cells.repeat(cell, axis=0).repeat(cell, axis=1)


def hatched(seed=0):
    """Return bands of thin sloping lines, each in a colour of its own."""
    rng, (rows, columns) = np.random.default_rng(seed), np.indices((SIDE, SIDE))
    page = np.full((SIDE, SIDE, 3), rng.integers(180, 256, 3), float)
    for top in range(0, SIDE, 48):
        angle = rng.uniform(0, np.pi)
        phase = (rows * np.sin(angle) + columns * np.cos(angle)) % 5
        covered = np.clip(1.2 - np.abs(phase - 2.5), 0, 1) * ((rows >= top) & (rows < top + 48))
        page += covered[..., None] * (rng.integers(0, 256, 3) - page)
    return rounded(page)


def through_jpeg(page, quality, *, halved):
    memory = io.BytesIO()
    sampling = "4:2:0" if halved else "4:4:4"
    Image.fromarray(page).save(memory, "JPEG", quality=quality, subsampling=sampling)
    return np.array(Image.open(memory).convert("RGB"))
