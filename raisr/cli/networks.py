"""Denoisers of other packages: `--model NAME` finds them by their entry points."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from raisr.shipped import NETWORKS

__all__ = ["find_network"]


def find_network(name: str) -> Callable[..., Any] | None:
    """Return the denoiser of a name, ``function(image, sigma, channel_axis=, data_range=)``.

    Raises
    ------
    ValueError
        PyTorch is missing, which all of them need.
    """
    found = entry_points(group=NETWORKS, name=name)
    try:
        return next(iter(found)).load() if found else None
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ValueError(
            f"--model {name} needs PyTorch: install the extra `hybrid` of this package"
        ) from error
