"""The shipped hybrid networks against FFDNet, as users call them."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import SIGMA, Case, Contender, Goal
from benchmarks.denoisers import contender, find

__all__ = ["colour_network_case", "network_case"]

_PEERS = ("FFDNet",)
_GOALS = {"small": Goal(0.25), "base": Goal(0.5)}  # of FFDNet's time
_ABOUT = "one call, in float32 if nothing else is said, with the filters and the hash it sees"
_COLOUR_PEER = "FFDNet for colours, weights drawn at random"


def network_case(image: NDArray[np.float32], model: str) -> Case:
    """Denoise a gray image, sigma told, in float32 as the peers and in bfloat16."""
    found, absent = find(_PEERS)
    return Case(
        f"hybrid {model}",
        image.size,
        {
            f"hybrid {model}": _hybrid(model, image),
            f"hybrid {model}, bfloat16 where it is multiplied": _hybrid(model, image, "auto"),
            **{n: contender(n, peer, image, image.size) for n, peer in found.items()},
        },
        (f"hybrid {model}",),
        {"FFDNet": _GOALS[model]} if "FFDNet" in found else {},
        absent,
        f"networks: {_ABOUT}",
    )


def colour_network_case(image: NDArray[np.float32], model: str) -> Case:
    """Denoise an image with three colours, sigma told, beside a network of FFDNet's layers."""
    colours = np.stack([image, image + 1, image - 1], axis=-1)
    name = f"hybrid {model}, colours"
    return Case(
        name,
        image.size,
        {
            name: _hybrid(model, colours),
            f"{name}, bfloat16 where it is multiplied": _hybrid(model, colours, "auto"),
            _COLOUR_PEER: _ffdnet(colours),
        },
        (name,),
        {_COLOUR_PEER: _GOALS[model]},
        note=f"networks for colours: {_ABOUT}; weights of FFDNet for colours are not at hand, and "
        "time does not depend on them",
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


def _ffdnet(colours: NDArray[np.float32]) -> Contender:
    import torch

    from comparisons.measure.peers import colour_ffdnet

    network = colour_ffdnet()

    def run(threads: int) -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            planes = torch.from_numpy(colours / np.float32(255)).movedim(-1, 0)[None]
            return network(planes, SIGMA / 255)[0].movedim(0, -1).numpy() * np.float32(255)

    return Contender(run)
