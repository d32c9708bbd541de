"""Class-specific convolution (CSConv): the operator, its module, and its kernels."""

from hybrid.csconv.operator import CSConv2d, cs_conv2d

__all__ = ["CSConv2d", "cs_conv2d"]
