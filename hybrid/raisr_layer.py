"""RAISR as a network: one class-specific convolution of the noisy image."""

import numpy as np
import torch
from torch import Tensor, nn

from hybrid._layers import with_classes
from hybrid.csconv import CSConv2d
from raisr import FilterBank
from raisr._validate import GRAY_LEVELS


class RAISRLayer(nn.Module):
    """A filter and a constant for each class: what a `raisr.FilterBank` of one stage is.

    Parameters
    ----------
    size : int
        Side of the filters, odd. An output depends on pixels at most `reach` = size // 2 away.
    num_classes : int

    Notes
    -----
    Borders are reflected, as in the filter bank.

    References
    ----------
    Romano, Isidoro, Milanfar, "RAISR", IEEE TCI 2017; Xu et al., AAAI 2021, table 2.
    """

    def __init__(self, size: int = 7, num_classes: int = 72):
        super().__init__()
        self.num_classes = num_classes
        self.reach = size // 2
        self.filter = CSConv2d(1, 1, size, num_classes)

    @classmethod
    def from_bank(cls, bank: FilterBank) -> "RAISRLayer":
        """Return a layer with the filters of a bank.

        Raises
        ------
        ValueError
            If the bank is a cascade.
        """
        if len(bank.stages) != 1:
            raise ValueError(f"wanted a bank of one stage, got {len(bank.stages)}")
        stage = bank.stages[0]
        layer = cls(stage.size, stage.spec.num_classes)
        weight, bias = stage.filters[:, None], stage.bias[:, None] / GRAY_LEVELS
        tensors = {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)}
        layer.filter.load_state_dict(tensors)
        return layer

    def forward(self, noisy: Tensor, classes: Tensor | None = None) -> Tensor:
        """Return the filtered images.

        Parameters
        ----------
        noisy : (B, 1, H, W) float tensor, gray levels / 255
        classes : (B, H, W) integer tensor
            Class of every pixel.
        """
        (classes,) = with_classes(self, classes)
        rows, columns = (self._reflected(side) for side in noisy.shape[-2:])
        filtered = self.filter(noisy[:, :, rows][..., columns], classes[:, rows][..., columns])
        inner = slice(self.reach, -self.reach or None)
        return filtered[..., inner, inner]

    def _reflected(self, length):
        return np.pad(np.arange(length), self.reach, mode="reflect")
