"""Learned filters chosen by local gradients (RAISR, BLADE), fast on a CPU.

>>> import numpy as np, raisr
>>> noisy = raisr.noise.add_gaussian_noise(np.full((64, 64), 128, np.uint8), sigma=25, seed=0)
>>> float(np.std(raisr.denoise(noisy, sigma=25, data_range=255))) < 6
True
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

_HOME = {
    "ColourBank": "raisr.colour_bank",
    "FilterBank": "raisr.filtering",
    "GradientStatistics": "raisr.statistics",
    "HashSpec": "raisr.hashing",
    "IntelFilters": "raisr.intel_filters",
    "NoiseEstimate": "raisr.noise_estimate",
    "NormalEquations": "raisr.normal_equations",
    "PhotonNoise": "raisr.stabilisation",
    "ShippedModel": "raisr.shipped",
    "Stage": "raisr.filtering",
    "UpscalingBank": "raisr.upscaling_bank",
    "deblock": "raisr.deblocking",
    "denoise": "raisr.denoising",
    "denoise_dask": "raisr.dask_arrays",
    "denoise_stream": "raisr.streaming",
    "estimate_jpeg_quality": "raisr.jpeg",
    "estimate_noise": "raisr.estimation",
    "estimate_sigma": "raisr.denoising",
    "export_c": "raisr.c_header",
    "gradient_statistics": "raisr.statistics",
    "hash_image": "raisr.hashing",
    "learn_filters": "raisr.learning",
    "learn_upscaling": "raisr.learning_upscaling",
    "list_models": "raisr.shipped",
    "noise": "raisr",
    "sharpen": "raisr.sharpening",
    "upscale": "raisr.upscaling",
}

__all__ = sorted(_HOME)

try:
    __version__ = version("raisr")
except PackageNotFoundError:
    __version__ = "0+unknown"


def __getattr__(name):
    # Public names are found on first use, so that `import raisr` loads neither Numba nor SciPy.
    if name == "noise":
        return import_module("raisr.noise")
    if name not in _HOME:
        raise AttributeError(f"module 'raisr' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
