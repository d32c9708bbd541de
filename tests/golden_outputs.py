"""What every shipped model makes of one photograph: `python -m tests.golden_outputs` writes it.

The numbers do not depend on how a processor rounds: PSNR, and pixels that are compared by their
mean difference. Write them again where a shipped model changes on purpose, and tell so in
CHANGELOG.md.
"""

import itertools
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

import hybrid
import raisr
from comparisons.measure.gradients import predicted_statistics, statistics, statistics_errors
from comparisons.measure.networks import network_denoiser
from comparisons.measure.protocol import COLOUR, PROTOCOLS, protocol_of
from hybrid import zoo
from hybrid.networks.pcn import PCN
from raisr.command import Parser, run
from raisr.deblocking import QUALITIES
from raisr.denoising import LADDER, MODELS
from raisr.jpeg import compress
from raisr.learning_sharpening import blurred
from raisr.metrics import psnr
from raisr.sharpening import LEVELS

PATH = Path(__file__).parent / "golden" / "end_to_end.json"
PART = np.s_[180:276, 190:302]
PIXELS = np.s_[4::16, 4::16]  # those that are kept, 42 of each plane
SHAVE = 6  # as table 3
SOFT = 0.8  # pixels: the blur of what is sharpened
MANY_LEVELS = 25.0  # the level that a network for many of them is tried at


def outputs() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what measures each shipped model, by name."""
    shipped: dict[str, Callable[[], dict[str, Any]]] = {
        f"raisr {model} {sigma:g}": partial(_filters, model, sigma)
        for model in MODELS
        for sigma in LADDER
    }
    for model in MODELS:
        shipped[f"raisr {model} 25, colour"] = partial(_colour, partial(raisr.denoise, model=model))
    for model, quality in itertools.product(MODELS, QUALITIES):
        shipped[f"raisr.deblock {model} {quality}"] = partial(_cleaned, model, quality)
    shipped |= {f"raisr.sharpen {sigma:g}": partial(_sharpened, sigma) for sigma in LEVELS}
    exact = partial(hybrid.denoise, precision="float32")  # bfloat16 is not on every processor
    shipped["hybrid.denoise 25, colour"] = partial(_colour, exact)
    return shipped | {entry.name: partial(_network, entry.name) for entry in zoo.list_weights()}


def _filters(model: str, sigma: float) -> dict[str, Any]:
    sample = PROTOCOLS["standard"].prepare(data.camera()[PART], sigma, seed=0)
    out = raisr.denoise(sample.noisy, sigma, model=model, data_range=255)
    return _facts(out, sample.clean)


def _colour(denoise: Callable) -> dict[str, Any]:
    clean = data.astronaut()[PART]
    noisy = raisr.noise.add_gaussian_noise(clean, MANY_LEVELS, seed=0)
    return _facts(denoise(noisy, MANY_LEVELS, channel_axis=-1, data_range=255), clean)


def _cleaned(model: str, quality: int) -> dict[str, Any]:
    clean = data.astronaut()[PART]
    blocky = compress(clean, quality)
    return _facts(raisr.deblock(blocky, quality, model=model, channel_axis=-1), clean)


def _sharpened(sigma: float) -> dict[str, Any]:
    clean = data.astronaut()[PART]
    planes = [blurred(channel, SOFT) for channel in np.moveaxis(clean, -1, 0)]
    noisy = raisr.noise.add_gaussian_noise(np.stack(planes, -1), sigma, seed=0)
    return _facts(raisr.sharpen(noisy, channel_axis=-1, data_range=255), clean)


def _network(name: str) -> dict[str, Any]:
    network, header = zoo.load_network(name)
    sigma = header["sigma"] if header.get("sigma_min") is None else MANY_LEVELS
    if network.channels == 3:
        sample = COLOUR.prepare(data.astronaut()[PART], sigma, seed=0)
    else:
        sample = protocol_of(header["noise"]).prepare(data.camera()[PART], sigma, seed=0)
    if isinstance(network, PCN):
        found = predicted_statistics(network, sample, SHAVE)
        error = statistics_errors(found.copy(), statistics(sample.clean, sample.data_range, SHAVE))
        # Orientation is left out of the pixels: it may jump by half a turn.
        return _rounded(-10 * math.log10(error["circular"]), 255 * found[1:].transpose(1, 2, 0))
    return _facts(network_denoiser(zoo.load(name)).run(sample), sample.clean)


def _facts(out: np.ndarray, clean: np.ndarray) -> dict[str, Any]:
    return _rounded(psnr(out, clean), out)


def _rounded(decibels: float, out: np.ndarray) -> dict[str, Any]:
    return {
        "psnr": round(decibels, 4),
        "pixels": np.round(out[PIXELS].ravel().astype(np.float64), 2).tolist(),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure all, and write."""
    Parser(prog="python -m tests.golden_outputs", description=__doc__).parse_args(arguments)
    text = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(measure())}" for name, measure in outputs().items()
    )
    PATH.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    print(f"wrote {PATH}")


if __name__ == "__main__":
    run(main)
