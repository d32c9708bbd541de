"""Denoisers of other packages: `--model NAME` finds them by their entry points."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

__all__ = ["find_network", "network_names"]

_GROUP = "raisr.denoisers"


def network_names() -> list[str]:
    """Return the names that can be asked for."""
    return sorted(entry_points(group=_GROUP).names)


def find_network(name: str) -> Callable[..., Any] | None:
    """Return the denoiser of a name, ``function(image, sigma, channel_axis=, data_range=)``.

    Raises
    ------
    ValueError
        PyTorch is missing, which all of them need.
    """
    found = entry_points(group=_GROUP, name=name)
    try:
        return next(iter(found)).load() if found else None
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ValueError(
            f"--model {name} needs PyTorch: install the extra `hybrid` of this package"
        ) from error
