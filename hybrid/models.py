"""Every network by its name."""

from collections.abc import Callable

from torch import nn

from hybrid.edsr import EDSR
from hybrid.pcn import PCN

MODELS: dict[str, Callable[..., nn.Module]] = {
    "pcn": PCN,
    "edsr": EDSR,
}


def build(name: str, **options: object) -> nn.Module:
    """Return a new network.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    **options
        Arguments of its class.

    Raises
    ------
    ValueError
        No such network, or it has no such option.
    """
    if name not in MODELS:
        raise ValueError(f"no network {name!r}; choose from {', '.join(MODELS)}")
    try:
        return MODELS[name](**options)
    except TypeError as error:
        raise ValueError(f"network {name!r}: {error}") from error
