"""Pages denoised by the shipped filters: `python -m comparisons.documents`.

What is measured is the gain, in dB: PSNR of the result, clipped to [0, 255], less that of the noisy
page. Pages are of fonts and seeds that nothing was learned from; "lines" is one black line in every
8 rows on white.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

import raisr
from comparisons import command
from comparisons.learn_models import HELD_BACK_PAGES
from comparisons.measure.store import COMMITTED
from raisr.colour import rgb_to_gray
from raisr.command import Parser, run
from raisr.metrics import psnr
from raisr.models import MODELS
from raisr.noise import add_gaussian_noise
from raisr.provenance import environment, git_commit, write_json

RESULTS = COMMITTED / "documents.json"
SIGMAS = (5.0, 10.0, 25.0)

Denoise = Callable[..., NDArray]


def lines(every: int = 8, side: int = 256) -> NDArray[np.uint8]:
    """Return black lines on white, (side, side)."""
    image = np.full((side, side), 255, np.uint8)
    image[::every] = 0
    return image


def gain(clean: NDArray, sigma: float, seed: int, *, eight_bits: bool, denoise: Denoise) -> float:
    """Return by how many dB a denoiser brings a noisy page nearer to the page.

    Parameters
    ----------
    clean : (H, W) or (H, W, 3) uint8
    sigma : float
        Gray levels.
    seed : int
        Of the noise.
    eight_bits : bool
        Whether noise is rounded and clipped to 8 bits.
    denoise : callable
        As `raisr.denoise`, with all but the image known.
    """
    noisy = add_gaussian_noise(clean, sigma, seed)
    noisy = np.rint(noisy).clip(0, 255).astype(np.uint8) if eight_bits else noisy
    axis = -1 if clean.ndim == 3 else None
    out = denoise(noisy, channel_axis=axis, data_range=255)
    return psnr(np.clip(out, 0, 255), clean) - psnr(noisy, clean)


def measure(model: str, sigma: float, colour: bool, eight_bits: bool, told: bool) -> dict[str, Any]:
    """Return the gain of a model on the held-back pages: mean and least; and on lines."""
    pages = [page if colour else rgb_to_gray(page) for page in HELD_BACK_PAGES]
    black = np.repeat(lines()[..., None], 3, axis=2) if colour else lines()

    def denoise(noisy: NDArray, **options: Any) -> NDArray:
        return raisr.denoise(noisy, sigma if told else None, model=model, **options)

    gains = [
        gain(
            page,
            sigma,
            HELD_BACK_PAGES.noise_seed(index, sigma),
            eight_bits=eight_bits,
            denoise=denoise,
        )
        for index, page in enumerate([*pages, black])
    ]
    return {
        "model": model,
        "sigma": sigma,
        "colour": colour,
        "eight_bits": eight_bits,
        "told": told,
        "pages": len(pages),
        "mean": round(float(np.mean(gains[:-1])), 3),
        "least": round(min(gains[:-1]), 3),
        "lines": round(gains[-1], 3),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure all, write the results and print them."""
    parser = Parser(prog="python -m comparisons.documents", description=__doc__.split("\n\n")[0])
    command.add_sigma_option(parser, list(SIGMAS))
    options = parser.parse_args(arguments)
    found = []
    for case in product((False, True), options.sigma, (False, True), (True, False), MODELS):
        colour, sigma, eight_bits, told, model = case
        found.append(entry := measure(model, sigma, colour, eight_bits, told))
        print(", ".join(f"{key} {value}" for key, value in entry.items()), flush=True)
    write_json(RESULTS, {"commit": git_commit(), **environment(), "found": found})
    print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    run(main)
