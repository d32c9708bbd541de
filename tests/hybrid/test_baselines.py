"""What the networks of others need beyond the tests of all networks."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from hybrid.networks.dncnn import DnCNN
from hybrid.networks.focnet import FOCNet, memory_weights
from hybrid.networks.memnet import MemNet
from hybrid.networks.red import RED
from hybrid.networks.sgn import SGN


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def settle(network):
    """Give batch normalisation something to remember."""
    for _ in range(3):
        network(torch.rand(2, 1, 16, 16))
    return network.eval()


def test_dncnn_folds_into_the_form_of_the_public_weights():
    network = settle(DnCNN(features=6, depth=5))
    folded = DnCNN(features=6, depth=5, batch_norm=False).eval()
    with torch.no_grad():
        for conv, norm, target in zip(network.convs, network.norms, folded.convs, strict=False):
            target.load_state_dict(conv.state_dict(), strict=False)
            if isinstance(norm, torch.nn.BatchNorm2d):
                fused = torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
                target.load_state_dict(fused.state_dict())
        folded.convs[-1].load_state_dict(network.convs[-1].state_dict())
        image = torch.rand(1, 1, 12, 10)
        torch.testing.assert_close(folded(image), network(image))
    assert all(conv.bias is not None for conv in folded.convs)


@pytest.mark.parametrize("depth", [4, 5, 15])
def test_red_adds_mirrored_results(depth):
    network = RED(features=3, depth=depth)
    outputs, inputs = [], []
    for layer in [*network.encoder, *network.decoder]:
        layer.register_forward_hook(lambda _, args, out: outputs.append(torch.relu(out)))
    for layer in [*network.decoder, network.exit]:
        layer.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    network(torch.rand(1, 1, 8, 8))
    encoded, decoded = outputs[:depth], outputs[depth:]
    assert torch.equal(inputs[0], encoded[-1])
    for index, (result, following) in enumerate(zip(decoded, inputs[1:], strict=True), 1):
        mirrored = depth - index  # the convolution, counted from 1 like the transposed one
        if mirrored % 2 == 0:
            result = result + encoded[mirrored - 1]
        assert torch.equal(following, result)


def test_gates_of_memnet_see_own_units_and_all_memories():
    network = MemNet(features=2, blocks=3, units=4)
    inputs = [block.gate[2].in_channels for block in network.blocks]
    assert inputs == [2 * (4 + memories) for memories in (1, 2, 3)]


def test_units_of_memnet_are_residual():
    network = settle(MemNet(features=2, blocks=1, units=3))
    for unit in network.blocks[0].units:
        torch.nn.init.zeros_(unit[1][2].weight)
    seen = []
    network.blocks[0].gate.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    image = torch.rand(1, 1, 5, 5)
    network(image)
    assert torch.equal(seen[0], torch.cat([network.entry(image)] * 4, 1))


def test_branches_of_sgn_are_residual():
    network = SGN(features=4)
    for branch in network.branches:
        seen = []
        for layer in (branch.residual, branch.exit):
            layer.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0]))
        network(torch.rand(1, 1, 16, 16))
        added = seen[0] + branch.residual(seen[0])
        assert torch.equal(seen[1], functional.leaky_relu(added, 0.2))


def test_memory_of_focnet_falls_as_a_power_of_age():
    weights = memory_weights(2000)
    assert sum(weights) == pytest.approx(1)
    assert weights[-2] / weights[-1] == pytest.approx(0.4)
    assert weights[-3] / weights[-1] == pytest.approx(0.4 * 0.6)
    ages = range(2000, 0, -1)
    products = [weight * age**1.2 for weight, age in zip(weights, ages, strict=True)]
    assert products[0] == pytest.approx(products[1000], rel=2e-3)
    assert all(older < younger for older, younger in pairwise(weights))
    assert memory_weights(1) == [1]
    assert memory_weights(0) == []


# What FOCNet's convolutions hear besides the last state of their scale:
# (scale, convolution) -> (scale, state), counted from 0 at the full resolution.
MESSAGES = {
    **{(0, i): (1, j) for i, j in ((1, 1), (2, 4), (3, 7), (4, 10))},
    **{(1, i): (0, j) for i, j in ((0, 0), (3, 1), (6, 2), (9, 3))},
    **{(1, i): (2, j) for i, j in ((1, 1), (4, 4), (7, 7), (10, 10))},
    **{(2, i): (1, j) for i, j in ((0, 0), (3, 3), (6, 6), (9, 9))},
    **{(2, i): (3, j) for i, j in ((1, 0), (4, 2), (7, 4), (10, 6))},
    **{(3, i): (2, j) for i, j in ((0, 0), (2, 3), (4, 6), (6, 9))},
}


def test_focnet_is_the_graph_of_its_messages():
    network = FOCNet(features=3)
    for name, parameter in network.named_parameters():
        if name.endswith("gate"):
            torch.nn.init.uniform_(parameter)
    network = settle(network)
    orders = []
    for depth, scale in enumerate(network.scales):
        lists = [[None, *scale.alone], [*scale.listening], [*scale.asking]]
        rounds = zip(*(blocks for blocks in lists if len(blocks) == 4), strict=True)
        order = [block for one in rounds for block in one if block is not None]
        orders.append([None, *order] if depth == 0 else order)
    assert [len(order) for order in orders] == [5, 11, 11, 7]
    image = torch.rand(1, 1, 16, 24)
    known = {(0, 0): torch.relu(network.entry(image))}

    def state(scale, index):
        if (scale, index) not in known:
            block = orders[scale][index]
            features = state(scale, index - 1) if index else 0
            if (scale, index) in MESSAGES:
                other, sent = MESSAGES[scale, index]
                message = state(other, sent)
                message = (
                    functional.avg_pool2d(message, 2)
                    if other < scale
                    else functional.interpolate(message, scale_factor=2, mode="bilinear")
                )
                features = features + (message if block.gate is None else block.gate * message)
            new = torch.relu(block.norm(block.conv(features)))
            weights = memory_weights(index)
            known[scale, index] = new + sum(w * state(scale, i) for i, w in enumerate(weights))
        return known[scale, index]

    torch.testing.assert_close(network(image), image + network.exit(state(0, 4)))
