"""Networks that convolve every pixel with the filters of its own class (PyTorch)."""

from importlib import import_module

_HOME = {
    "CSConv2d": "hybrid.csconv",
    "ClassSpecificDenoiser": "hybrid.class_specific",
    "DenoisedClassifier": "hybrid.classifiers",
    "HashClassifier": "hybrid.classifiers",
    "HybridDenoiser": "hybrid.hybrid_denoiser",
    "NetworkDenoiser": "hybrid.denoiser",
    "PCN": "hybrid.networks.pcn",
    "PCNClassifier": "hybrid.classifiers",
    "cs_conv2d": "hybrid.csconv",
    "denoise": "hybrid.default",
    "export": "hybrid.exporting",
    "list_weights": "hybrid.zoo",
    "load": "hybrid.zoo",
}

__all__ = sorted(_HOME)

_NO_TORCH = "hybrid needs PyTorch: install the extra `hybrid` of this package, or torch itself"


def __getattr__(name):
    # Public names are found on first use, so that `import hybrid` loads neither torch nor Numba.
    if name not in _HOME:
        raise AttributeError(f"module 'hybrid' has no attribute {name!r}")
    try:
        value = getattr(import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ModuleNotFoundError(_NO_TORCH, name="torch") from error
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
