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

FLOATS = "cc15, not rounded"
"""What `PUBLISHED` stands beside: the code of MCWNNM measures results before they are rounded."""

Pair = tuple[NDArray, NDArray[np.uint8]]


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


def _cc15_in_floats(folder: Path) -> Iterator[Pair]:
    for noisy, mean in _cc15(folder):
        yield noisy.astype(np.float32), mean


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
    return 255 * out


_RGB: dict[str, Any] = {"channel_axis": -1, "data_range": 255}

METHODS: dict[str, Callable[[NDArray], NDArray]] = {
    "noisy": lambda image: image,
    "raisr fast": partial(raisr.denoise, model="fast", num_threads=1, **_RGB),
    "raisr best": partial(raisr.denoise, model="best", num_threads=1, **_RGB),
    "hybrid.denoise": partial(hybrid.denoise, **_RGB),
    "OpenCV NL-means, h = 5": partial(_opencv, 5),
    "OpenCV NL-means, h = 10": partial(_opencv, 10),
    "scikit-image NL-means": _nl_means,
}
_NEEDS = {"OpenCV": "cv2"}
_EIGHT_BITS_ALONE = "OpenCV"


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
        cases[FLOATS] = partial(_cc15_in_floats, folder)
    all_methods = {
        name: method
        for name, method in METHODS.items()
        if find_spec(_NEEDS.get(name.split()[0], "numpy"))
    }
    scores: dict[str, dict[str, float]] = {}
    seconds = dict.fromkeys(all_methods, 0.0)
    pixels = dict.fromkeys(all_methods, 0.0)
    for case, pairs in cases.items():
        first, _ = next(pairs())
        methods = {
            name: method
            for name, method in all_methods.items()
            if first.dtype == np.uint8 or not name.startswith(_EIGHT_BITS_ALONE)
        }
        found: dict[str, list[float]] = {name: [] for name in methods}
        for method in methods.values():
            method(first)  # compiles what it needs
        for noisy, clean in pairs():
            for name, method in methods.items():
                start = time.perf_counter()
                out = method(noisy)
                seconds[name] += time.perf_counter() - start
                pixels[name] += noisy.shape[0] * noisy.shape[1] / 1e6
                found[name].append(psnr(_as_kept(out, noisy.dtype), clean))
        scores[case] = {name: round(float(np.mean(values)), 3) for name, values in found.items()}
        print(case, scores[case], flush=True)
    times = {name: round(total / pixels[name], 3) for name, total in seconds.items()}
    facts = {"commit": git_commit(), **environment(), "published": {FLOATS: PUBLISHED}}
    return {**facts, "psnr": scores, "seconds_per_megapixel": times}


def _as_kept(out, dtype):
    """Return a result as it is kept: rounded where images have 8 bits."""
    return (np.rint(out) if dtype == np.uint8 else out).clip(0, 255)


def table(result: dict[str, Any]) -> Table:
    """Return the table of a result of `measure`."""
    cases, times = list(result["psnr"]), result["seconds_per_megapixel"]

    def row(name, values, seconds):
        numbers = (*(values.get(case) for case in cases), seconds)
        return name, *(EMPTY if number is None else f"{number:.2f}" for number in numbers)

    ours = [
        row(name, {case: scores.get(name) for case, scores in result["psnr"].items()}, seconds)
        for name, seconds in times.items()
    ]
    printed = [
        row(name, {case: value}, None)
        for case, values in result["published"].items()
        for name, value in values.items()
    ]
    return Table(
        "Colour images: noise of cameras and of photons, nothing told, PSNR in dB",
        ("", *cases, "s/megapixel"),
        (Section("measured", tuple(ours)), Section("published, cc15", tuple(printed))),
        (
            "RGB of 8 bits, peak 255. Camera and photons: every fourth image of CBSD68; camera: "
            "bilinear demosaicing, gamma 2.2, JPEG 92. What these spoil is an error, too: gain 0 "
            "has no noise.",
            "Not rounded: images are floats, and so are results, as in the public code of MCWNNM.",
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
