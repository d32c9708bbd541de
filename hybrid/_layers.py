"""What several networks share."""

from torch import Tensor, nn
from torch.nn import functional

from hybrid.csconv import CSConv2d


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


def extend(images: Tensor, multiple: int, least: int = 1) -> Tensor:
    """Return images (B, C, H, W) with sides that are multiples, and not below `least`.

    The last row and the last column are repeated; `least` must be a multiple itself.
    """
    height, width = (max(-side % multiple, least - side) for side in images.shape[-2:])
    return functional.pad(images, (0, width, 0, height), mode="replicate")
