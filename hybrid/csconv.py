"""Class-specific convolution: every pixel is convolved with the filters of its own class."""

import math

import torch
from torch import nn
from torch.nn import functional

__all__ = ["CSConv2d", "cs_conv2d"]


def cs_conv2d(x, weight, bias, classes):
    """Convolve every pixel with the filters of its own class.

    Parameters
    ----------
    x : (B, C_in, H, W) float tensor
    weight : (num_classes, C_out, C_in, k, k) float tensor
        k is odd; the image continues as zeros.
    bias : (num_classes, C_out) float tensor or None
    classes : (B, H, W) integer tensor
        Class of every output pixel, 0 <= class < num_classes; no gradient.

    Returns
    -------
    (B, C_out, H, W) float tensor
    """
    margin = weight.shape[-1] // 2
    out = x.new_zeros(x.shape[0], weight.shape[1], *x.shape[2:])
    for index in classes.unique().tolist():
        one = None if bias is None else bias[index]
        response = functional.conv2d(x, weight[index], one, padding=margin)
        out = torch.where((classes == index)[:, None], response, out)
    return out


class CSConv2d(nn.Module):
    """Class-specific convolution with its parameters; see `cs_conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int
        Odd; the image continues as zeros, so that its size stays.
    num_classes : int
    bias : bool, default True

    Attributes
    ----------
    weight : (num_classes, out_channels, in_channels, kernel_size, kernel_size) Parameter
    bias : (num_classes, out_channels) Parameter or None
    """

    def __init__(self, in_channels, out_channels, kernel_size, num_classes, bias=True):
        super().__init__()
        shape = num_classes, out_channels, in_channels, kernel_size, kernel_size
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(shape[:2])) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new parameters, those of each class as `torch.nn.Conv2d` does."""
        bound = 1 / math.sqrt(self.weight[0, 0].numel())
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    @classmethod
    def from_conv(cls, conv, num_classes):
        """Return the class-specific twin of a `torch.nn.Conv2d`: every class is a copy of it."""
        layer = cls(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size[0],
            num_classes,
            bias=conv.bias is not None,
        ).to(conv.weight)
        with torch.no_grad():
            layer.weight.copy_(conv.weight.expand_as(layer.weight))
            if conv.bias is not None:
                layer.bias.copy_(conv.bias.expand_as(layer.bias))
        return layer

    def forward(self, x, classes):
        """Return ``cs_conv2d(x, weight, bias, classes)``."""
        return cs_conv2d(x, self.weight, self.bias, classes)

    def extra_repr(self):
        """Tell the sizes."""
        num_classes, out_channels, in_channels, size, _ = self.weight.shape
        return (
            f"{in_channels}, {out_channels}, kernel_size={size}, num_classes={num_classes}, "
            f"bias={self.bias is not None}"
        )
