"""While they are learned, the filters of classes as the sum of a common part and their own.

Each class sees a few of the pixels only; the common part learns from all of them. A network costs
nothing more for it: `folded` adds the two.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hybrid.csconv import CSConv2d

_COMMON = ".0.common"


class _Shared(nn.Module):
    def __init__(self, own: Tensor) -> None:
        super().__init__()
        self.common = nn.Parameter(torch.zeros_like(own[0]))

    def forward(self, own: Tensor) -> Tensor:
        return own + self.common


def share(network: nn.Module) -> None:
    """Give every `CSConv2d` of a network filters with a common part, which is zero at first."""
    for module in network.modules():
        for name in ("weight", "bias") if isinstance(module, CSConv2d) else ():
            own = getattr(module, name)
            if own is not None:
                parametrize.register_parametrization(module, name, _Shared(own))


def folded(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of a network with the common parts added to the filters of each class."""
    tensors = network.state_dict()
    for name in [name for name in tensors if name.endswith(_COMMON)]:
        stem = name.removesuffix(_COMMON)
        layer, part = stem.split("parametrizations.")
        tensors[layer + part] = tensors.pop(f"{stem}.original") + tensors.pop(name)
    return tensors
