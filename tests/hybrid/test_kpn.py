"""Filters predicted for every pixel, against loops over the pixels."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from hybrid.networks.edsr import EDSR
from hybrid.networks.kpn import KPN, filter_pixels
from hybrid.networks.kpn_plus import KPNPlus, PredictedConv2d


@pytest.mark.parametrize("size", [1, 3, 5])
def test_every_pixel_has_its_own_filter(size):
    rng = np.random.default_rng(size)
    image, kernels = rng.normal(size=(2, 1, 5, 6)), rng.normal(size=(2, size**2, 5, 6))
    margin = size // 2
    padded = np.pad(image, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="reflect")
    wanted = np.empty_like(image)
    for b, y, x in np.ndindex(2, 5, 6):
        neighbours = padded[b, 0, y : y + size, x : x + size]
        wanted[b, 0, y, x] = np.sum(neighbours * kernels[b, :, y, x].reshape(size, size))
    found = filter_pixels(torch.from_numpy(image), torch.from_numpy(kernels))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_filtering_has_exact_gradients():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    kernels = torch.rand(1, 9, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(filter_pixels, (image, kernels))


def test_kpn_filters_the_noisy_image():
    network = KPN(3, features=2).eval()
    torch.nn.init.zeros_(network.exit.weight)
    # A filter that takes the neighbour on the right.
    network.exit.bias.data = torch.eye(9)[5]
    image = torch.rand(1, 1, 16, 32)
    found = network(image)
    assert torch.equal(found[..., :-1], image[..., 1:])
    assert torch.equal(found[..., -1], image[..., -2])


def test_filtering_with_each_part_is_filtering_with_the_predicted_filter():
    generator = torch.Generator().manual_seed(0)
    layer = PredictedConv2d(4, 3).double()
    x = torch.rand(2, 4, 5, 6, generator=generator, dtype=torch.float64)
    predicted = torch.rand(2, 3, 5, 6, generator=generator, dtype=torch.float64)
    # The form of the paper: a 1x1 convolution with bias, 4 * 4 * 9 values a pixel.
    weight = layer.weight.detach()
    filters = functional.conv2d(
        predicted, weight[1:].flatten(1).T[:, :, None, None], weight[0].flatten()
    )
    filters = filters.reshape(2, 4, 4 * 9, 5, 6)
    patches = functional.unfold(x, 3, padding=1).reshape(2, 4 * 9, 5, 6)
    wanted = torch.einsum("boiyx,biyx->boyx", filters, patches)
    torch.testing.assert_close(layer(x, predicted), wanted)


def test_with_the_same_filters_everywhere_kpn_plus_is_edsr():
    network, edsr = KPNPlus(features=4, blocks=3, source="image"), EDSR(features=4, blocks=3)
    edsr.entry, edsr.exit = network.entry, network.exit
    for index, block in enumerate(edsr.blocks):
        torch.nn.init.zeros_(network.conv2[index].weight[1:])
        block.conv1, block.activation = network.conv1[index], network.activations[index]
        block.conv2.weight.data = network.conv2[index].weight.data[0]
        torch.nn.init.zeros_(block.conv2.bias)
    image = torch.rand(1, 1, 9, 7)
    torch.testing.assert_close(network(image), edsr(image))


@pytest.mark.parametrize(("source", "channels", "calls"), [("features", 4, 3), ("image", 1, 1)])
def test_the_predictor_sees_what_it_should(source, channels, calls):
    network = KPNPlus(features=4, blocks=3, source=source)
    seen = []
    network.predictor.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    network(torch.rand(1, 1, 8, 8))
    assert seen == [channels] * calls
