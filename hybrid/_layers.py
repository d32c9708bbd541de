"""What several networks share."""

from torch import Tensor, nn

from hybrid.csconv import CSConv2d


def second_convolution(inputs: int, outputs: int, num_classes: int | None) -> nn.Module:
    """Return a 3x3 convolution: class-specific where there are classes."""
    if num_classes is None:
        return nn.Conv2d(inputs, outputs, 3, padding=1)
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
