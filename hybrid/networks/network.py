"""The contract of every network, and the two registries that its file enters it into."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

NETWORKS: dict[str, type["Network"]] = {}
"""Denoisers, by name; filled by `register` in the file of each."""

CLASSIFIERS: dict[str, type["Network"]] = {}
"""Networks that see classes instead: no denoisers."""

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


class Network(nn.Module):
    """A network of images (B, channels, H, W), gray levels / 255, of any size from 1 x 1.

    Attributes
    ----------
    label : str
        Name in tables.
    channels : int
        Of its images: 1 for gray, 3 for the planes of `raisr.colour.opponent_planes`.
    inputs : tuple of str
        What `forward` takes beside the images, in order: "levels" (B, 1, 1, 1), the standard
        deviation of the noise; "filtered", what learned filters make of the images; "classes",
        (B, H, W) integers. A network without "levels" sees one noise level.
    num_classes : int or None
        Of its class-specific convolutions; None for a network without.
    reach : int or None
        An output pixel depends on no input further away than this, in pixels; None: it may
        depend on all of them.
    float32_layers : tuple of str
        Layers that see or make gray levels, for which bfloat16 is too coarse: where the others
        compute in it, they do not. A network that names none always computes in float32.
    """

    label: ClassVar[str]
    channels: int = 1
    inputs: tuple[str, ...] = ()
    num_classes: int | None = None
    reach: int | None = None
    float32_layers: ClassVar[tuple[str, ...]] = ()

    def example(self, side: int) -> tuple[Tensor, ...]:
        """Return what `forward` takes, for one image of `side` x `side` pixels: zeros."""
        image = torch.zeros(1, self.channels, side, side)
        further = {
            "levels": torch.zeros(1, 1, 1, 1),
            "filtered": image,
            "classes": torch.zeros(1, side, side, dtype=torch.uint8),
        }
        return image, *(further[name] for name in self.inputs)

    def cost(self) -> Cost:
        """Count the operations for a pixel of a large image, and the parameters.

        A multiplication with its addition is two FLOPs. Convolutions, class-specific ones and
        matrix products count; activations, normalisation, sums, resampling, the hash and
        element-wise products do not.

        Notes
        -----
        The FLOPs of a square of side n are ``a n**2 + b n + c``, where b and c belong to borders
        that the network adds; three sizes tell a, the cost per pixel.
        """
        training = self.training
        self.eval()
        small, middle, large = (self._flops(times * _SIDE) for times in (1, 2, 3))
        self.train(training)
        per_pixel = (small - 2 * middle + large) / (2 * _SIDE**2)
        parameters = sum(parameter.numel() for parameter in self.parameters())
        return Cost(per_pixel / 1000, parameters)

    def _flops(self, side: int) -> int:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            self(*self.example(side))
        return counter.get_total_flops()


def register(
    name: str, registry: dict[str, type[Network]] = NETWORKS
) -> Callable[[type[Network]], type[Network]]:
    """Return a decorator that enters a network under a name."""

    def enter(network: type[Network]) -> type[Network]:
        registry[name] = network
        return network

    return enter
