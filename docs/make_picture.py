"""Make docs/denoised.png, the README's picture: `python docs/make_picture.py`."""

from pathlib import Path

import numpy as np
from skimage import data

import raisr
from raisr.denoising import bank_for
from raisr.io import write_image
from raisr.plotting import class_map_picture

SIGMA = 25
PART = np.s_[40:240, 110:310]
REAL_PART = np.s_[300:425, 420:673]
GAP = 4


def main() -> None:
    """Put what is measured above what is real."""
    rows = _measured(), _real()
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    write_image(Path(__file__).with_name("denoised.png"), np.vstack([rows[0], gap, rows[1]]))


def _measured():
    """Show noise, the classes of its green channel, both models and the original side by side."""
    clean = data.chelsea()
    noisy = raisr.noise.add_gaussian_noise(clean, SIGMA, seed=0).clip(0, 255).round()
    noisy = noisy.astype(np.uint8)
    spec = bank_for("fast", SIGMA).stages[0].spec
    classes = class_map_picture(raisr.hash_image(noisy[..., 1], spec), spec)
    denoised = [raisr.denoise(noisy, SIGMA, model=m, channel_axis=-1) for m in ("fast", "best")]
    panels = [image[PART] for image in (noisy, classes, *denoised, clean)]
    return _side_by_side(panels)


def _real():
    """Show a picture of a telescope, twice its size, before and after, nothing told."""
    picture = data.hubble_deep_field()
    denoised = raisr.denoise(picture, model="best", channel_axis=-1)
    parts = [image[REAL_PART] for image in (picture, denoised)]
    return _side_by_side([part.repeat(2, axis=0).repeat(2, axis=1) for part in parts])


def _side_by_side(panels):
    gap = np.full((len(panels[0]), GAP, 3), 255, np.uint8)
    return np.hstack([part for panel in panels for part in (panel, gap)][:-1])


if __name__ == "__main__":
    main()
