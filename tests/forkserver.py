"""The process from which tests fork others: it has loaded what they need, and has no threads."""

import multiprocessing
from multiprocessing import forkserver

__all__ = ["FORKED", "start"]

FORKED = multiprocessing.get_context("forkserver")
_LOADED = [
    "distributed",
    "hybrid.training.loop",
    "hybrid.training.tasks",
    "hybrid.zoo",
    "torch._dynamo",  # an optimizer loads it when it takes its first step
    "torch.distributed.run",
    "raisr.distributed",
    "raisr.kernels.apply",
]


def start():
    """Start it, unless it runs: before a library does, with a list of its own."""
    FORKED.set_forkserver_preload(_LOADED)
    forkserver.ensure_running()
