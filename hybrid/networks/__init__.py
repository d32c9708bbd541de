"""Networks, one a file: each enters itself into the registry when this package is imported."""

import pkgutil
from importlib import import_module

import torch

from hybrid.networks.network import CLASSIFIERS, NETWORKS, Cost, Network, register

__all__ = ["CLASSIFIERS", "NETWORKS", "Cost", "Network", "build", "register"]

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
        No such network, or it has no such option.
    """
    known = NETWORKS | CLASSIFIERS
    if name not in known:
        raise ValueError(f"no network {name!r}; choose from {', '.join(known)}")
    try:
        network = known[name](**options)
    except TypeError as error:
        raise ValueError(f"network {name!r}: {error}") from error
    for parameter in network.parameters():
        if parameter.dim() == 4:  # convolutions are faster with channels last
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
