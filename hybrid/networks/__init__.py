"""Networks, one a file: each enters itself into the registry when this package is imported."""

import pkgutil
from importlib import import_module

import torch

from hybrid.networks.network import CLASSIFIERS, NETWORKS, Cost, Network, register

__all__ = ["CLASSIFIERS", "NETWORKS", "Cost", "Network", "build", "register"]

_LARGEST, _MOST_CLASSES = 4096, 65536

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def build(name: str, **options: object) -> Network:
    """Return a new network.

    Parameters
    ----------
    name : str
        One of `NETWORKS` or `CLASSIFIERS`.
    **options
        Arguments of its class.

    Raises
    ------
    ValueError
        No such network, or it has no such option, or a number among these is out of range.
    """
    known = NETWORKS | CLASSIFIERS
    if name not in known:
        raise ValueError(f"no network {name!r}; choose from {', '.join(known)}")
    for option, value in options.items():
        _check_numbers(option, value)
    try:
        network = known[name](**options)
    except (ArithmeticError, LookupError, RuntimeError, TypeError) as error:  # odd sizes
        raise ValueError(f"network {name!r}: {error}") from error
    for parameter in network.parameters():
        if parameter.dim() == 4:  # convolutions are faster with channels last
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _check_numbers(option, value):
    """Refuse sizes that no network has, before memory or time is spent on them."""
    least, most = 1, _MOST_CLASSES if option == "num_classes" else _LARGEST
    if isinstance(value, list | tuple):
        least, numbers = 0, value  # none at one scale
    else:
        numbers = [value]
    for number in numbers:
        if not isinstance(number, int | float) or isinstance(number, bool):
            continue
        if not number >= least:
            raise ValueError(f"{option} must be positive, got {number!r}")
        if number > most:
            raise ValueError(f"{option} must be at most {most}, got {number!r}")
