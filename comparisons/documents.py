"""Pages denoised by the shipped filters: `python -m comparisons.documents`.

What is measured is the gain, in dB: PSNR of the result, clipped to [0, 255], less that of the noisy
page. Pages are of fonts and seeds that nothing was learned from: gray; in colour, a third of them
with any; and in strong colours. "lines" is one black line in every 8 rows on white. Pages without
noise are measured by the PSNR of what becomes of them, at most 99, and levels that nothing tells by
their mean error, on pages and on photographs held back from bsd400.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

import raisr
from comparisons import command
from comparisons.learn_colour import HELD_BACK_COLOURED
from comparisons.learn_models import HELD_BACK_IMAGES, HELD_BACK_PAGES
from comparisons.measure.store import COMMITTED
from raisr.colour import rgb_to_gray
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.metrics import psnr
from raisr.models import MODELS
from raisr.noise import add_gaussian_noise
from raisr.provenance import environment, git_commit, write_json

RESULTS = COMMITTED / "documents.json"
SIGMAS = (2.0, 5.0, 10.0, 25.0)
KINDS = ("gray", "colour", "strong colours")
SAME = 99.0
"""PSNR of a page that is as it should be."""

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
    noisy = noisy_image(clean, sigma, seed, eight_bits=eight_bits)
    axis = -1 if clean.ndim == 3 else None
    out = denoise(noisy, channel_axis=axis, data_range=255)
    return min(SAME, psnr(np.clip(out, 0, 255), clean)) - psnr(noisy, clean)


def held_back(kind: str) -> list[NDArray[np.uint8]]:
    """Return the held-back pages of a kind."""
    if kind == "gray":
        return [rgb_to_gray(page) for page in HELD_BACK_PAGES]
    return list(HELD_BACK_PAGES if kind == "colour" else HELD_BACK_COLOURED)


def measure(model: str, sigma: float, kind: str, eight_bits: bool, told: bool) -> dict[str, Any]:
    """Return the gain of a model on the held-back pages: mean and least; and on lines."""
    pages = held_back(kind)
    drawn = HELD_BACK_COLOURED if kind == "strong colours" else HELD_BACK_PAGES
    black = lines() if kind == "gray" else np.repeat(lines()[..., None], 3, axis=2)

    def denoise(noisy: NDArray, **options: Any) -> NDArray:
        return raisr.denoise(noisy, sigma if told else None, model=model, **options)

    gains = [
        gain(
            page,
            sigma,
            drawn.noise_seed(index, sigma),
            eight_bits=eight_bits,
            denoise=denoise,
        )
        for index, page in enumerate([*pages, black])
    ]
    return {
        "model": model,
        "sigma": sigma,
        "kind": kind,
        "eight_bits": eight_bits,
        "told": told,
        "pages": len(pages),
        "mean": round(float(np.mean(gains[:-1])), 3),
        "least": round(min(gains[:-1]), 3),
        "lines": round(gains[-1], 3),
    }


def noisy_image(clean: NDArray, sigma: float, seed: int, *, eight_bits: bool) -> NDArray:
    """Return an image with white noise, of floats or of 8 bits."""
    noisy = add_gaussian_noise(clean, sigma, seed)
    return np.rint(noisy).clip(0, 255).astype(np.uint8) if eight_bits else noisy


def measure_clean(model: str, kind: str) -> dict[str, Any]:
    """Return how near pages without noise stay to themselves, where nothing is told."""
    found = []
    for clean in held_back(kind):
        out = raisr.denoise(clean, model=model, channel_axis=None if kind == "gray" else -1)
        found.append(SAME if np.array_equal(out, clean) else min(SAME, psnr(out, clean)))
    return {
        "model": model,
        "kind": kind,
        "pages": len(found),
        "unchanged": sum(value == SAME for value in found),
        "least": round(min(found), 2),
    }


def measure_levels(images: list[NDArray], kind: str, sigma: float, eight_bits: bool) -> dict:
    """Return the mean absolute error of `raisr.estimate_sigma` on gray images."""
    errors = [
        abs(raisr.estimate_sigma(noisy_image(image, sigma, k, eight_bits=eight_bits)) - sigma)
        for k, image in enumerate(images)
    ]
    found = {"images": kind, "count": len(images), "sigma": sigma, "eight_bits": eight_bits}
    return found | {"error": round(float(np.mean(errors)), 3), "most": round(max(errors), 3)}


def main(arguments: list[str] | None = None) -> None:
    """Measure all, write the results and print them."""
    parser = Parser(prog="python -m comparisons.documents", description=__doc__.split("\n\n")[0])
    command.add_sigma_option(parser, list(SIGMAS))
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    found = []
    for case in product(KINDS, options.sigma, (False, True), (True, False), MODELS):
        kind, sigma, eight_bits, told, model = case
        found.append(entry := measure(model, sigma, kind, eight_bits, told))
        print(", ".join(f"{key} {value}" for key, value in entry.items()), flush=True)
    clean = [measure_clean(*case) for case in product(MODELS, KINDS)]
    photographs = load_dataset("bsd400", download=options.download).images[HELD_BACK_IMAGES]
    images = {
        "pages": [rgb_to_gray(page) for page in HELD_BACK_PAGES],
        "photographs": [rgb_to_gray(image.read()) for image in photographs],
    }
    levels = [
        measure_levels(images[kind], kind, sigma, eight_bits)
        for kind, sigma, eight_bits in product(images, [0.0, *options.sigma], (False, True))
    ]
    results = {"found": found, "clean": clean, "levels": levels}
    write_json(RESULTS, {"commit": git_commit(), **environment(), **results})
    print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    run(main)
