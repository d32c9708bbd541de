"""The denoisers a user can pick on a CPU: ours and the peers, behind one signature.

The settings of the classical ones are multiples of sigma and whole numbers that
`python -m benchmarks.tuning` found best on training images, at sigma 25.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import restoration

import raisr

if TYPE_CHECKING:
    from hybrid.denoiser import NetworkDenoiser

__all__ = ["DENOISERS", "UserDenoiser"]

Plane = NDArray[np.float32]
_WHITE = np.float32(255)
_ANY = 2**40


@dataclass(frozen=True)
class UserDenoiser:
    """A denoiser of gray planes.

    Parameters
    ----------
    function : callable
        ``function(noisy, sigma, threads, **settings)``: plane and sigma in gray levels, float32
        in and out.
    family : {"raisr", "classical", "network"}
    module : str
        What must be installed.
    weights : str
        What must lie in the folder RAISR_PEERS, without its suffix; "{sigma:g}" is filled in.
    shipped : str
        Entry of `hybrid.list_weights()` that it needs, filled in likewise.
    most_pixels : int
        Size beyond which the benchmark times it on a part of the image.
    serial : bool
        True for code without threads.
    """

    function: Callable[..., Plane]
    family: str = "classical"
    settings: dict[str, Any] = field(default_factory=dict)
    module: str = "skimage"
    weights: str = ""
    shipped: str = ""
    most_pixels: int = 2**18
    serial: bool = True

    def run(self, noisy: Plane, sigma: float, threads: int) -> Plane:
        """Return the denoised plane."""
        return self.function(noisy, sigma, threads, **self.settings)

    def absent(self, sigma: float) -> str:
        """Return why it cannot run at a noise level; nothing where it can."""
        if find_spec(self.module) is None:
            return "not installed"
        stem = self.weights.format(sigma=sigma)
        if stem and not _has_peer(stem):
            return f"no {stem}.safetensors in RAISR_PEERS"
        if self.shipped and not _is_shipped(self.shipped.format(sigma=sigma)):
            return "not trained"
        return ""


def _has_peer(stem: str) -> bool:
    from comparisons.measure.peers import weights_path

    return weights_path(stem) is not None


def _is_shipped(name: str) -> bool:
    from hybrid import list_weights

    return name in [weights.name for weights in list_weights()]


def _raisr(noisy: Plane, sigma: float, threads: int, model: str) -> Plane:
    return raisr.denoise(noisy, sigma, model=model, data_range=255, num_threads=threads)


def _nl_means(noisy: Plane, sigma: float, threads: int, strength: float, **settings: int) -> Plane:
    return restoration.denoise_nl_means(
        noisy, h=strength * sigma, sigma=sigma, fast_mode=True, **settings
    )


def _wavelet(noisy: Plane, sigma: float, threads: int, **settings: Any) -> Plane:
    return restoration.denoise_wavelet(noisy, sigma=sigma, rescale_sigma=True, **settings)


def _total_variation(noisy: Plane, sigma: float, threads: int, weight: float) -> Plane:
    return restoration.denoise_tv_chambolle(noisy, weight=weight * sigma)


def _opencv_nl_means(
    noisy: Plane, sigma: float, threads: int, strength: float, patch: int, search: int
) -> Plane:
    levels = np.rint(noisy).clip(0, 255).astype(np.uint8)
    out = cv2.fastNlMeansDenoising(levels, None, strength * sigma, patch, search)
    return out.astype(np.float32)


def _bilateral(
    noisy: Plane, sigma: float, threads: int, diameter: int, strength: float, spread: float
) -> Plane:
    return np.asarray(cv2.bilateralFilter(noisy, diameter, strength * sigma, spread), np.float32)


def _bm3d(noisy: Plane, sigma: float, threads: int) -> Plane:
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = threads
    out = bm3d.bm3d(noisy / _WHITE, sigma / 255, profile)
    return out.astype(np.float32) * _WHITE


def _network(noisy: Plane, sigma: float, threads: int, stem: str) -> Plane:
    from comparisons.measure.peers import denoise_plane

    return denoise_plane(noisy, sigma, stem.format(sigma=sigma), threads)


@cache
def _loaded(name: str) -> "NetworkDenoiser":
    from hybrid import load

    return load(name)


def _our_network(noisy: Plane, sigma: float, threads: int, name: str) -> Plane:
    import torch

    torch.set_num_threads(threads)
    return _loaded(name.format(sigma=sigma)).denoise(noisy, sigma, data_range=255)


def _trained(name: str) -> UserDenoiser:
    return UserDenoiser(
        _our_network, "network", {"name": name}, "torch", shipped=name, serial=False
    )


def _ours(model: str) -> UserDenoiser:
    return UserDenoiser(_raisr, "raisr", {"model": model}, "raisr", most_pixels=_ANY, serial=False)


def _peer_network(stem: str) -> UserDenoiser:
    return UserDenoiser(_network, "network", {"stem": stem}, "torch", weights=stem, serial=False)


DENOISERS: dict[str, UserDenoiser] = {
    "raisr fast": _ours("fast"),
    "raisr best": _ours("best"),
    "EDSR16": _trained("edsr16_standard_{sigma:g}"),
    "CS-EDSR": _trained("cs_edsr16_pcn_standard_{sigma:g}"),
    "hybrid.denoise": _trained("cs_edsr16_blind"),
    "scikit-image nl_means (fast)": UserDenoiser(
        _nl_means, settings={"strength": 0.6, "patch_size": 5, "patch_distance": 6}
    ),
    "scikit-image wavelet": UserDenoiser(
        _wavelet, settings={"method": "BayesShrink", "wavelet": "db2", "mode": "soft"}
    ),
    "scikit-image tv_chambolle": UserDenoiser(_total_variation, settings={"weight": 0.7}),
    "OpenCV fastNlMeansDenoising": UserDenoiser(
        _opencv_nl_means,
        settings={"strength": 1.2, "patch": 3, "search": 9},
        module="cv2",
        serial=False,
    ),
    "OpenCV bilateralFilter": UserDenoiser(
        _bilateral,
        settings={"diameter": 9, "strength": 2.5, "spread": 1.5},
        module="cv2",
        most_pixels=2**20,
        serial=False,
    ),
    "BM3D": UserDenoiser(_bm3d, module="bm3d", most_pixels=2**16, serial=False),
    "DnCNN": _peer_network("dncnn_{sigma:g}"),
    "FFDNet": _peer_network("ffdnet_gray"),
}
"""Name -> denoiser, for Gaussian noise of a known level."""
