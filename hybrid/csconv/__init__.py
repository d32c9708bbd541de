"""Class-specific convolution (CSConv): the operator, its module, and its kernels."""

from hybrid.csconv.operator import CSConv2d, cs_conv2d
from hybrid.csconv.sorting import sorted_while_capturing

__all__ = ["CSConv2d", "cs_conv2d", "sorted_while_capturing"]
