"""Noise as cameras and detectors make it, nothing told: `python -m comparisons.real_noise`.

Every fourth image of cbsd68, photographed by the synthetic camera or seen by few photons, and
cc15, crops of JPEGs of three cameras beside the means of some 500 shots (Nam et al., CVPR 2016).
The result stands under the tables of `comparisons.photographs`.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid
import raisr
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.store import COMMITTED
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.io import read_image
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_poisson_gaussian_noise, noise_seed
from raisr.provenance import environment, git_commit, read_json, write_json

__all__ = ["RESULT", "main", "table"]

RESULT = COMMITTED / "real_noise.json"
GAINS = (0, 0.003, 0.012, 0.03)
PEAKS = (10, 30, 100)
PUBLISHED = {"CBM3D": 35.19, "MCWNNM": 37.70, "TWSC": 37.81}
"""PSNR on cc15 as Xu et al. print it (ICCV 2017, ECCV 2018), not measured here."""

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def _photographs(gain: float) -> Iterator[Pair]:
    for image in load_dataset("cbsd68").images[::4]:
        clean = image.read()
        yield add_camera_noise(clean, gain, noise_seed("camera", image.name, gain)), clean


def _counts(peak: float) -> Iterator[Pair]:
    for image in load_dataset("cbsd68").images[::4]:
        clean = image.read()
        seed = noise_seed("photons", image.name, peak)
        noisy = add_poisson_gaussian_noise(clean, peak, seed)
        yield np.rint(noisy).clip(0, 255).astype(np.uint8), clean


def _cc15(folder: Path) -> Iterator[Pair]:
    for path in sorted(folder.glob("*_real.png")):
        mean = path.with_name(path.name.replace("_real", "_mean"))
        yield read_image(path)[0], read_image(mean)[0]


CASES: dict[str, Callable[[], Iterator[Pair]]] = {
    **{f"camera, gain {gain:g}": partial(_photographs, gain) for gain in GAINS},
    **{f"photons, peak {peak:g}": partial(_counts, peak) for peak in PEAKS},
}
"""Name -> noisy and clean images, RGB; cc15 is added where $RAISR_DATA has it."""


def _opencv(strength: float, image: NDArray[np.uint8]) -> NDArray:
    import cv2

    cv2.setNumThreads(1)
    return cv2.fastNlMeansDenoisingColored(image, None, strength, strength, 7, 21)


def _nl_means(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    from skimage.restoration import denoise_nl_means, estimate_sigma

    sigma = float(np.mean(estimate_sigma(image, channel_axis=-1)))
    options = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
    out = denoise_nl_means(image / 255, h=0.8 * sigma / 255, sigma=sigma / 255, **options)
    return np.rint(255 * out)


METHODS: dict[str, Callable[[NDArray[np.uint8]], NDArray]] = {
    "noisy": lambda image: image,
    "raisr fast": partial(raisr.denoise, model="fast", channel_axis=-1, num_threads=1),
    "raisr best": partial(raisr.denoise, model="best", channel_axis=-1, num_threads=1),
    "hybrid.denoise": lambda image: hybrid.denoise(image, channel_axis=-1),
    "OpenCV NL-means, h = 5": partial(_opencv, 5),
    "OpenCV NL-means, h = 10": partial(_opencv, 10),
    "scikit-image NL-means": _nl_means,
}
_NEEDS = {"OpenCV": "cv2"}


def measure(folder: Path | None) -> dict[str, Any]:
    """Return PSNR by case and method, and seconds a megapixel by method.

    Parameters
    ----------
    folder : Path, optional
        Of cc15.
    """
    cases = dict(CASES)
    if folder is not None and any(folder.glob("*_real.png")):
        cases["cc15"] = partial(_cc15, folder)
    methods = {
        name: method
        for name, method in METHODS.items()
        if find_spec(_NEEDS.get(name.split()[0], "numpy"))
    }
    scores: dict[str, dict[str, float]] = {}
    seconds = dict.fromkeys(methods, 0.0)
    pixels = 0.0
    for case, pairs in cases.items():
        found: dict[str, list[float]] = {name: [] for name in methods}
        first, _ = next(pairs())
        for method in methods.values():
            method(first)  # compiles what it needs
        for noisy, clean in pairs():
            pixels += noisy.shape[0] * noisy.shape[1] / 1e6
            for name, method in methods.items():
                start = time.perf_counter()
                out = method(noisy)
                seconds[name] += time.perf_counter() - start
                found[name].append(psnr(out, clean))
        scores[case] = {name: round(float(np.mean(values)), 3) for name, values in found.items()}
        print(case, scores[case], flush=True)
    times = {name: round(total / pixels, 3) for name, total in seconds.items()}
    facts = {"commit": git_commit(), **environment(), "published": {"cc15": PUBLISHED}}
    return {**facts, "psnr": scores, "seconds_per_megapixel": times}


def table(result: dict[str, Any]) -> Table:
    """Return the table of a result of `measure`."""
    cases, times = list(result["psnr"]), result["seconds_per_megapixel"]
    ours = [
        (name, *(f"{result['psnr'][case][name]:.2f}" for case in cases), f"{times[name]:.2f}")
        for name in times
    ]
    printed = [
        (name, *(f"{value:.2f}" if case == "cc15" else EMPTY for case in cases), EMPTY)
        for name, value in result["published"]["cc15"].items()
    ]
    return Table(
        "Colour images: noise of cameras and of photons, nothing told, PSNR in dB",
        ("", *cases, "s/megapixel"),
        (Section("measured", tuple(ours)), Section("published, cc15", tuple(printed))),
        (
            "RGB of 8 bits, peak 255. Camera and photons: every fourth image of CBSD68; camera: "
            "bilinear demosaicing, gamma 2.2, JPEG 92. What these spoil is an error, too: gain 0 "
            "has no noise.",
            "One thread, but for hybrid.denoise; no method is told the noise.",
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, write the result, and print its table."""
    parser = Parser(prog="python -m comparisons.real_noise", description=__doc__.split("\n\n")[0])
    parser.add_argument("--cc15", type=Path, metavar="DIR", help="folder of cc15 (default: none)")
    options = parser.parse_args(arguments)
    write_json(RESULT, measure(options.cc15))
    print(table(read_json(RESULT) or {}).to_markdown())


if __name__ == "__main__":
    run(main)
