"""Batch normalisation of averaged weights: its statistics are measured again."""

from collections.abc import Iterable

import torch
from torch import nn

from hybrid.training.data import Batch
from hybrid.training.tasks import Task


@torch.no_grad()
def measure_again(network: nn.Module, task: Task, batches: Iterable[Batch]) -> bool:
    """Replace running means and variances by the means over some batches.

    Those that training left belong to the last weights of many steps, not to their average.

    Returns
    -------
    bool
        Whether the network has any; one without normalisation is not touched.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return False
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # every batch counts alike
    network.train()
    for batch in batches:
        task.loss(network, batch)
    network.eval()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    return True
