"""What a network costs: operations per pixel and parameters, counted the same way for all."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

_SIDE = 16  # pixels; the coarsest scale of any of our networks is 1/16


@dataclass(frozen=True)
class Cost:
    """Cost of a network, or with `+` of several that run one after the other.

    Attributes
    ----------
    kflops : float
        kFLOPs per pixel.
    parameters : int
    """

    kflops: float
    parameters: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.kflops + other.kflops, self.parameters + other.parameters)


def cost(network: nn.Module) -> Cost:
    """Count the operations of a network for a pixel of a large gray image, and its parameters.

    A multiplication with its addition is two FLOPs. Convolutions, class-specific ones and matrix
    products count; activations, normalisation, sums, resampling, the hash and element-wise
    products do not.

    Parameters
    ----------
    network : nn.Module
        Called with a (1, 1, H, W) image, and a class map where its `num_classes` is not None. It
        is evaluated three times on small images, and not changed.

    Notes
    -----
    The FLOPs of a square of side n are ``a n**2 + b n + c``, where b and c belong to borders that
    the network adds; three sizes tell a, the cost per pixel.
    """
    training = network.training
    network.eval()
    small, middle, large = (_flops(network, times * _SIDE) for times in (1, 2, 3))
    network.train(training)
    per_pixel = (small - 2 * middle + large) / (2 * _SIDE**2)
    return Cost(per_pixel / 1000, sum(parameter.numel() for parameter in network.parameters()))


def _flops(network, side):
    inputs = [torch.zeros(1, 1, side, side)]
    if network.num_classes is not None:
        inputs.append(torch.zeros(1, side, side, dtype=torch.uint8))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*inputs)
    return counter.get_total_flops()
