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
GAP = np.full((200, 4, 3), 255, np.uint8)


def main() -> None:
    """Show noise, the classes of its green channel, both models and the original side by side."""
    clean = data.chelsea()
    noisy = raisr.noise.add_gaussian_noise(clean, SIGMA, seed=0).clip(0, 255).round()
    noisy = noisy.astype(np.uint8)
    spec = bank_for("fast", SIGMA).stages[0].spec
    classes = class_map_picture(raisr.hash_image(noisy[..., 1], spec), spec)
    denoised = [raisr.denoise(noisy, SIGMA, model=m, channel_axis=-1) for m in ("fast", "best")]
    panels = [image[PART] for image in (noisy, classes, *denoised, clean)]
    row = [part for panel in panels for part in (panel, GAP)][:-1]
    write_image(Path(__file__).with_name("denoised.png"), np.hstack(row))


if __name__ == "__main__":
    main()
