"""What several networks share."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from hybrid.csconv import CSConv2d


class PReLU(nn.PReLU):
    """torch's PReLU with one parameter; on a CPU its gradient costs a thirtieth.

    torch's own branches at every pixel, and the sign of what a convolution gives is a coin toss.
    On a CPU it has first derivatives in backward mode only.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, those below zero times the parameter."""
        if values.is_cpu and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return _LeakyReLU.apply(values, self.weight)
        return super().forward(values)


class _LeakyReLU(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, slope: Tensor) -> Tensor:
        context.save_for_backward(values, slope)
        return functional.leaky_relu(values, slope.item())

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        values, slope = context.saved_tensors
        below = torch.ops.aten.leaky_relu_backward(gradient, values, slope.item(), False)
        return below, (gradient * values.clamp(max=0)).sum(dtype=slope.dtype).view_as(slope)


class Merge(nn.Conv2d):
    """A convolution of what several tensors of one size hold together, side by side."""

    def forward(self, *parts: Tensor) -> Tensor:
        """Return the convolution."""
        return super().forward(torch.cat(parts, 1))


class ResidualBlock(nn.Module):
    """A block that adds what its `conv2` gives to its input: the identity where that is zero."""

    conv2: nn.Module


def second_convolution(
    inputs: int, outputs: int, num_classes: int | None, groups: int = 1
) -> nn.Module:
    """Return a 3x3 convolution: class-specific, then in one group, where there are classes."""
    if num_classes is None:
        return nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups)
    return CSConv2d(inputs, outputs, 3, num_classes)


def with_classes(network: nn.Module, classes: Tensor | None) -> tuple[Tensor, ...]:
    """Return the further arguments of a network's class-specific convolutions: the class map.

    Raises
    ------
    ValueError
        A class-specific network without class map, or a plain one with it.
    """
    if network.num_classes is None:
        if classes is not None:
            raise ValueError(f"a plain {type(network).__name__} takes no class map")
        return ()
    if classes is None:
        raise ValueError(f"a class-specific {type(network).__name__} needs a class map")
    return (classes,)


def extend(images: Tensor, multiple: int, least: int = 0) -> Tensor:
    """Return images (B, C, H, W) with sides that are multiples, and not below `least`.

    The last row and the last column are repeated; `least` must be a multiple itself.
    """
    # Divided and multiplied, so that it is seen: sizes of what follows stay short, quick to trace.
    sides = [(side + -side % multiple) // multiple * multiple for side in images.shape[-2:]]
    if least:  # a maximum makes them long
        sides = [max(side, least) for side in sides]
    height, width = (wide - side for wide, side in zip(sides, images.shape[-2:], strict=True))
    return functional.pad(images, (0, width, 0, height), mode="replicate")
