"""Denoisers of scikit-image and OpenCV, and BM3D: what a user could pick instead, untrained.

Their settings are multiples of sigma and whole numbers that `python -m benchmarks.tuning` found
best on training images, at sigma 25. Their libraries are loaded when they run, and are optional.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.measure.denoisers import Denoiser, Method
from comparisons.measure.protocol import Protocol
from raisr.noise import Sample
from raisr.provenance import content_digest

Plane = NDArray[np.float32]
_WHITE = np.float32(255)


@dataclass(frozen=True)
class Classical:
    """A denoiser of planes in gray levels, and its settings.

    Attributes
    ----------
    label : str
    function : callable
        ``function(noisy, sigma, threads, **settings)``: plane and sigma in gray levels, float32
        in and out.
    settings : dict
    module : str
        What must be installed.
    serial : bool
        True for code without threads.
    """

    label: str
    function: Callable[..., Plane]
    settings: dict[str, Any] = field(default_factory=dict)
    module: str = "skimage"
    serial: bool = True

    def denoiser(self, settings: dict[str, Any] | None = None) -> Denoiser:
        """Return it ready to run, with other settings where these are given."""
        chosen = self.settings if settings is None else settings

        def run(sample: Sample, threads: int) -> Plane:
            return self.function(sample.noisy, sample.sigma, threads, **chosen)

        code = content_digest([Path(__file__)])
        return Denoiser(run, f"{code} {_versions(self.module)} {chosen}")

    def method(self) -> Method:
        """Return its row."""

        def build(protocol: Protocol, sigma: float) -> Denoiser | None:
            return self.denoiser() if find_spec(self.module) else None

        return Method(
            self.label,
            f"of the module {self.module}",
            build,
            family="classical",
            module=self.module,
            serial=self.serial,
        )


@cache
def _versions(module: str) -> list[str]:
    """Return the packages that a module is of, with their versions."""
    return [f"{package} {version(package)}" for package in packages_distributions()[module]]


def _nl_means(noisy: Plane, sigma: float, threads: int, strength: float, **settings: Any) -> Plane:
    from skimage import restoration

    return restoration.denoise_nl_means(
        noisy, h=strength * sigma, sigma=sigma, fast_mode=True, **settings
    )


def _wavelet(noisy: Plane, sigma: float, threads: int, **settings: Any) -> Plane:
    from skimage import restoration

    return restoration.denoise_wavelet(noisy, sigma=sigma, rescale_sigma=True, **settings)


def _total_variation(noisy: Plane, sigma: float, threads: int, weight: float) -> Plane:
    from skimage import restoration

    return restoration.denoise_tv_chambolle(noisy, weight=weight * sigma)


def _opencv_nl_means(
    noisy: Plane, sigma: float, threads: int, strength: float, patch: int, search: int
) -> Plane:
    import cv2

    levels = np.rint(noisy).clip(0, 255).astype(np.uint8)
    out = cv2.fastNlMeansDenoising(levels, None, strength * sigma, patch, search)
    return out.astype(np.float32)


def _bilateral(
    noisy: Plane, sigma: float, threads: int, diameter: int, strength: float, spread: float
) -> Plane:
    import cv2

    return np.asarray(cv2.bilateralFilter(noisy, diameter, strength * sigma, spread), np.float32)


def _opencv_nl_means_colour(
    noisy: Plane, sigma: float, threads: int, strength: float, patch: int, search: int
) -> Plane:
    import cv2

    levels = np.rint(noisy).clip(0, 255).astype(np.uint8)
    strengths = strength * sigma, strength * sigma
    out = cv2.fastNlMeansDenoisingColored(levels, None, *strengths, patch, search)
    return out.astype(np.float32)


def _nl_means_colour(noisy: Plane, sigma: float, threads: int, **settings: Any) -> Plane:
    return _nl_means(noisy, sigma, threads, channel_axis=-1, **settings)


def _cbm3d(noisy: Plane, sigma: float, threads: int) -> Plane:
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = threads
    out = bm3d.bm3d_rgb(noisy / _WHITE, sigma / 255, profile)
    return out.astype(np.float32) * _WHITE


def _bm3d(noisy: Plane, sigma: float, threads: int) -> Plane:
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = threads
    out = bm3d.bm3d(noisy / _WHITE, sigma / 255, profile)
    return out.astype(np.float32) * _WHITE


CLASSICAL = {
    "nl_means": Classical(
        "scikit-image nl_means (fast)",
        _nl_means,
        {"strength": 0.6, "patch_size": 5, "patch_distance": 6},
    ),
    "wavelet": Classical(
        "scikit-image wavelet",
        _wavelet,
        {"method": "BayesShrink", "wavelet": "db2", "mode": "soft"},
    ),
    "total_variation": Classical("scikit-image tv_chambolle", _total_variation, {"weight": 0.7}),
    "opencv_nl_means": Classical(
        "OpenCV fastNlMeansDenoising",
        _opencv_nl_means,
        {"strength": 1.2, "patch": 3, "search": 9},
        module="cv2",
        serial=False,
    ),
    "bilateral": Classical(
        "OpenCV bilateralFilter",
        _bilateral,
        {"diameter": 9, "strength": 2.5, "spread": 1.5},
        module="cv2",
        serial=False,
    ),
    "bm3d": Classical("BM3D", _bm3d, module="bm3d", serial=False),
}
"""Row -> denoiser, for Gaussian noise of a known level."""

COLOUR_CLASSICAL = {
    "nl_means_colour": Classical(
        "scikit-image nl_means (fast), colour",
        _nl_means_colour,
        {"strength": 0.5, "patch_size": 5, "patch_distance": 6},
    ),
    "opencv_nl_means_colour": Classical(
        "OpenCV fastNlMeansDenoisingColored",
        _opencv_nl_means_colour,
        {"strength": 0.8, "patch": 3, "search": 15},
        module="cv2",
        serial=False,
    ),
    "cbm3d": Classical("CBM3D", _cbm3d, module="bm3d", serial=False),
}
"""The same for RGB images."""
