"""Filters with a common part."""

import torch

from hybrid.networks import build
from hybrid.training.sharing import folded, share

CLASSES = {"features": 8, "blocks": 2, "num_classes": 5}


def inputs():
    g = torch.Generator().manual_seed(0)
    return torch.rand(2, 1, 12, 14, generator=g), torch.randint(5, (2, 12, 14), generator=g)


def test_nothing_changes_at_first():
    plain = build("edsr", **CLASSES)
    wanted = plain(*inputs())
    names = list(plain.state_dict())
    share(plain)
    assert torch.equal(plain(*inputs()), wanted)
    assert sorted(folded(plain)) == sorted(names)


def test_folded_is_the_same_network():
    network = build("edsr", **CLASSES)
    share(network)
    for name, parameter in network.named_parameters():
        if name.endswith("common"):
            torch.nn.init.normal_(parameter, std=0.1)
    plain = build("edsr", **CLASSES)
    plain.load_state_dict(folded(network))
    torch.testing.assert_close(plain(*inputs()), network(*inputs()))


def test_a_class_without_pixels_learns_from_the_others():
    network = build("edsr", **CLASSES)
    share(network)
    image, classes = inputs()
    network(image, classes.clamp(max=3)).square().mean().backward()
    gradients = network.blocks[0].conv2.parametrizations["weight"]
    assert gradients.original.grad[4].abs().max() == 0
    torch.testing.assert_close(gradients[0].common.grad, gradients.original.grad.sum(0))
    assert gradients[0].common.grad.abs().max() > 0
