import torch
from torch.nn import functional

from hybrid.networks.edsr import EDSR


def convolved(image, weights, name):
    return functional.conv2d(image, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)


def test_edsr_is_its_formula():
    torch.manual_seed(0)
    network = EDSR(features=4, blocks=2)
    weights = network.state_dict()
    image = torch.rand(2, 1, 9, 11)
    entered = features = convolved(image, weights, "entry")
    for block in ("blocks.0", "blocks.1"):
        inner = convolved(features, weights, f"{block}.conv1")
        inner = torch.where(inner > 0, inner, weights[f"{block}.activation.weight"] * inner)
        features = features + convolved(inner, weights, f"{block}.conv2")
    wanted = image + convolved(features + entered, weights, "exit")
    torch.testing.assert_close(network(image), wanted)


def test_cs_edsr_takes_for_every_pixel_the_filters_of_its_class():
    torch.manual_seed(0)
    network, plain = EDSR(4, 1, num_classes=3), EDSR(4, 1)
    image, classes = torch.rand(1, 1, 8, 10), torch.randint(3, (1, 8, 10))
    chosen = 0
    for index in range(3):
        weights = network.state_dict()
        for name in ("blocks.0.conv2.weight", "blocks.0.conv2.bias"):
            weights[name] = weights[name][index]
        plain.load_state_dict(weights)
        entered = plain.entry(image)
        chosen = chosen + plain.blocks[0](entered, ()) * (classes == index)[:, None]
    wanted = image + plain.exit(chosen + entered)
    torch.testing.assert_close(network(image, classes), wanted)
