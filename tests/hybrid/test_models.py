"""What holds for every network of the registry."""

import inspect

import pytest
import torch

from hybrid.networks import CLASSIFIERS, NETWORKS, build
from hybrid.weights import load_into, load_tensors, save_tensors

MODELS = NETWORKS | CLASSIFIERS
CLASSES = 72


def has_option(name, option):
    return option in inspect.signature(MODELS[name]).parameters


# The smallest form of each network that still has all its parts.
SMALL = {
    "edsr": {"features": 4, "blocks": 2},
    "carn": {"features": 4},
    "kpn": {"features": 4},
    "kpn_plus": {"features": 4, "blocks": 2},
    "dncnn": {"features": 4, "depth": 4},
    "red": {"features": 4, "depth": 5},
    "memnet": {"features": 4, "blocks": 2, "units": 2},
    "sgn": {"features": 4, "depth": 2},
    "focnet": {"features": 4},
    "unet": {"features": 4, "blocks": (1, 1, 1)},
}
CASES = [(name, SMALL.get(name, {})) for name in MODELS]
CASES += [
    (name, {**SMALL.get(name, {}), "num_classes": 5})
    for name in MODELS
    if has_option(name, "num_classes")
]
CASES += [
    ("kpn_plus", {**SMALL["kpn_plus"], "source": "image"}),
    ("unet", {**SMALL["unet"], "channels": 3}),
    ("unet", {**SMALL["unet"], "filtered": False}),
    ("dncnn", {**SMALL["dncnn"], "batch_norm": False}),
]
every_network = pytest.mark.parametrize(("name", "options"), CASES)


@pytest.fixture
def network(name, options):
    return drawn(name, options)


def drawn(name, options, seed=0):
    """A network whose every parameter is random: some start as zeros."""
    torch.manual_seed(seed)
    network = build(name, **options).eval()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def example(network, batch, height, width):
    """An image, and what else the network wants."""
    generator = torch.Generator().manual_seed(1)
    shape = batch, network.channels, height, width
    image = torch.rand(shape, generator=generator)
    classes = (batch, height, width) if network.num_classes else ()
    inputs = {
        "classes": torch.randint(network.num_classes or 1, classes, generator=generator),
        "levels": torch.rand(batch, 1, 1, 1, generator=generator),
        "filtered": torch.rand(shape, generator=generator),
    }
    return [image, *(inputs[name] for name in network.inputs)]


@every_network
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 3), (16, 16), (33, 47)])
def test_every_size_works(network, name, size):
    with torch.no_grad():
        out = network(*example(network, 2, *size))
    assert out.shape == (2, 3 if name == "pcn" else network.channels, *size)
    assert out.dtype == torch.float32
    assert out.isfinite().all()


@every_network
def test_filters_lie_channels_last(network):
    for parameter in network.parameters():
        assert parameter.dim() != 4 or parameter.is_contiguous(memory_format=torch.channels_last)


@every_network
def test_images_of_a_batch_do_not_mix(network):
    inputs = example(network, 2, 17, 9)
    with torch.no_grad():
        together = network(*inputs)
        alone = [network(*(value[i : i + 1] for value in inputs)) for i in range(2)]
    torch.testing.assert_close(together, torch.cat(alone))


@every_network
def test_gradients_reach_every_parameter(network):
    network.train()
    inputs = example(network, 2, 32, 32)
    out = network(*inputs)
    (out - torch.rand(out.shape)).square().sum().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@every_network
def test_weights_come_back_from_a_file(network, name, options, tmp_path):
    save_tensors(tmp_path / "network.safetensors", network.state_dict(), {})
    other = drawn(name, options, seed=1)
    inputs = example(network, 1, 9, 10)
    with torch.no_grad():
        wanted = network(*inputs)
        assert not torch.equal(other(*inputs), wanted)
        load_into(other, load_tensors(tmp_path / "network.safetensors")[0])
        assert torch.equal(other(*inputs), wanted)


@pytest.mark.parametrize(("name", "options"), [c for c in CASES if not c[0].startswith("kpn")])
def test_pixels_matter_up_to_the_reach(network):
    # NaN spreads wherever a value is used. Strides of 16 rows at most make 16 cases.
    inputs = example(network, 1, 2 * network.reach + 48, 8)
    furthest = 0
    for row in range(network.reach + 16, network.reach + 32):
        images = [value for value in inputs if value.shape == inputs[0].shape]
        for image in images:
            image[:, :, row] = torch.nan
        with torch.no_grad():
            rows = network(*inputs).isnan().any(1)[0].any(1).nonzero()[:, 0]
        for image in images:
            image[:, :, row] = 0.5
        furthest = max(furthest, row - int(rows.min()), int(rows.max()) - row)
    assert furthest == network.reach


@pytest.mark.parametrize("name", ["edsr", "carn", "kpn_plus", "dncnn", "red", "memnet", "focnet"])
def test_networks_that_predict_noise_return_the_image_where_they_predict_none(name):
    network = build(name, **SMALL[name]).eval()
    last = [parameter for key, parameter in network.named_parameters() if key.startswith("exit")]
    for parameter in last or network.convs[-1].parameters():
        torch.nn.init.zeros_(parameter)
    (image,) = example(network, 2, 9, 12)
    assert torch.equal(network(image), image)


@pytest.mark.parametrize("name", ["edsr", "carn"])
def test_class_maps_are_wanted_where_there_are_classes(name):
    image, classes = torch.rand(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match="a class-specific .* needs a class map"):
        build(name, num_classes=3)(image)
    with pytest.raises(ValueError, match="a plain .* takes no class map"):
        build(name)(image, classes)


@pytest.mark.parametrize("name", ["edsr", "carn"])
def test_a_network_equals_its_class_specific_twin_with_copied_filters(name):
    plain, twin = build(name), build(name, num_classes=6)
    load_into(twin, plain.state_dict())
    image, classes = example(twin, 1, 11, 13)
    with torch.no_grad():
        torch.testing.assert_close(twin(image, classes), plain(image))


# kFLOPs per pixel and parameters, counted by hand or printed with the published sizes.
COSTS = [
    ("pcn", {}, 2.8, 15951),
    ("edsr", {}, 148.032, 74561),
    ("edsr", {"num_classes": CLASSES}, 148.032, 2710081),
    ("edsr", {"features": 64}, 2361.6, None),
    ("edsr", {"blocks": 8}, 74.304, None),
    ("edsr", {"blocks": 32}, 295.488, None),
    ("edsr", {"features": 8}, 37.152, None),
    ("edsr", {"features": 32}, 590.976, None),
    ("carn", {}, 75.456, 38369),
    ("carn", {"num_classes": CLASSES}, 75.456, 1520849),
    ("carn", {"groups": (4, 4)}, 44.352, None),
    ("carn", {"features": 64, "groups": (4, 4)}, 702.72, None),
    ("dncnn", {}, 1108.224, None),
    ("red", {}, 516.672, None),
    ("memnet", {}, 5777.664, None),
    ("sgn", {}, 405.504, None),
    # 4, 11, 11, 7 convolutions of 128 x 128 x 3 x 3, the first one and the last one.
    ("focnet", {}, 2 * (147.456 * (4 + 11 / 4 + 11 / 16 + 7 / 64) + 2 * 1.152), None),
    ("kpn", {}, 1470.5, None),
    ("kpn", {"kernel_size": 3}, 1436.9, None),
    # The U-Net sees 16 channels in two groups instead of one: 288 instead of 36 products.
    ("kpn_plus", {}, 148.032 + 16 * 2 * (1.4 - 0.024 - 0.036 + 0.288 + 8 * 2.304), None),
    ("kpn_plus", {"source": "image"}, 148.032 + 2 * (1.4 - 0.024 + 16 * 8 * 2.304), None),
    # Nine blocks of two convolutions cost the same at each scale; four 2x2 convolutions, and the
    # first and the last one at a fourth of the pixels.
    ("unet", {}, 9 * 2 * 4.608 + 2 * (4.096 / 4 + 4.096 / 4) + 2 * 9 * (9 + 4) * 32 / 4000, None),
]


@pytest.mark.parametrize(("name", "options", "kflops", "parameters"), COSTS)
def test_costs_are_those_of_the_method(name, options, kflops, parameters):
    found = build(name, **options).cost()
    # What is given with one decimal is met to half a unit of it.
    assert found.kflops == pytest.approx(kflops, abs=0.05 if name == "kpn" else 1e-6)
    if parameters is not None:
        assert found.parameters == parameters


def test_counting_changes_nothing():
    network = build("memnet", **SMALL["memnet"]).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.cost()
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_every_network_is_costed():
    assert {name for name, *_ in COSTS} == set(MODELS)


def test_unknown_networks_and_options_are_refused():
    with pytest.raises(ValueError, match="no network 'edsd'; choose from carn, dncnn, edsr"):
        build("edsd")
    with pytest.raises(ValueError, match="network 'edsr': .*unexpected keyword argument 'depth'"):
        build("edsr", depth=3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("carn", {"num_classes": 3, "groups": (4, 4)}, "have one group, got 4"),
        ("kpn", {"kernel_size": 4}, "must be odd and positive, got 4"),
        ("kpn", {"kernel_size": -1}, "must be positive, got -1"),
        ("kpn_plus", {"source": "noise"}, "must be one of features, image, got 'noise'"),
        ("carn", {"groups": []}, "network 'carn': .*out of range"),
        ("unet", {"blocks": {"a": 1, "b": 2, "c": 3}}, "network 'unet': 0"),
    ],
)
def test_bad_options_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, **options)
