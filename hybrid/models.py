"""Every network by its name."""

from collections.abc import Callable

import torch
from torch import nn

from hybrid.baselines.dncnn import DnCNN
from hybrid.baselines.focnet import FOCNet
from hybrid.baselines.memnet import MemNet
from hybrid.baselines.red import RED
from hybrid.baselines.sgn import SGN
from hybrid.carn import CARN
from hybrid.edsr import EDSR
from hybrid.kpn import KPN
from hybrid.kpn_plus import KPNPlus
from hybrid.pcn import PCN
from hybrid.raisr_layer import RAISRLayer

MODELS: dict[str, Callable[..., nn.Module]] = {
    "pcn": PCN,
    "edsr": EDSR,
    "carn": CARN,
    "kpn": KPN,
    "kpn_plus": KPNPlus,
    "raisr": RAISRLayer,
    "dncnn": DnCNN,
    "red": RED,
    "memnet": MemNet,
    "sgn": SGN,
    "focnet": FOCNet,
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
        network = MODELS[name](**options)
    except TypeError as error:
        raise ValueError(f"network {name!r}: {error}") from error
    for parameter in network.parameters():
        if parameter.dim() == 4:  # convolutions are faster with channels last
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
