"""The shipped hybrid networks against FFDNet's public weights, as users call them."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import SIGMA, Case, Contender, Goal
from benchmarks.denoisers import contender, find

__all__ = ["network_case"]

_PEERS = ("FFDNet",)
_GOALS = {"small": Goal(0.25), "base": Goal(0.5)}  # of FFDNet's time


def network_case(image: NDArray[np.float32], model: str) -> Case:
    """Denoise a gray image, sigma told, in float32 as the peers and in bfloat16, and in colour."""
    colours = np.stack([image, image + 1, image - 1], axis=-1)
    found, absent = find(_PEERS)
    return Case(
        f"hybrid {model}",
        image.size,
        {
            f"hybrid {model}": _hybrid(model, image),
            f"hybrid {model}, bfloat16 where it is multiplied": _hybrid(model, image, "auto"),
            f"hybrid {model}, RGB": _hybrid(model, colours),
            **{n: contender(n, peer, image, image.size) for n, peer in found.items()},
        },
        (f"hybrid {model}",),
        {"FFDNet": _GOALS[model]} if "FFDNet" in found else {},
        absent,
        "networks: one call, in float32 if nothing else is said, with the filters and the hash "
        "that the network sees",
    )


def _hybrid(model: str, image: NDArray[np.float32], precision: str = "float32") -> Contender:
    import torch

    import hybrid

    axis = None if image.ndim == 2 else -1

    def run(threads: int) -> object:
        torch.set_num_threads(threads)
        return hybrid.denoise(
            image, SIGMA, model=model, channel_axis=axis, data_range=255, precision=precision
        )

    return Contender(run)
