"""Networks as ONNX files: run by another runtime, and compared with our own."""

import io
import json
import sys

import numpy as np
import pytest
import torch

import hybrid
from hybrid import zoo
from hybrid.exporting import FORMAT, traced
from hybrid.networks.edsr import EDSR
from hybrid.networks.kpn_plus import KPNPlus
from hybrid.networks.pcn import PCN
from hybrid.networks.unet import UNet
from raisr import HashSpec

SIZES = (1, 1, 1), (2, 37, 53), (1, 3, 131)  # images, height, width
MEASURED = ("unet_base", "unet_small", "cs_edsr16_noisy_standard_25")  # by `benchmarks`, too


def kinds():
    """Return the names of shipped weights of each kind of network, by model, levels and colours.

    Class-specific ones do all that those without classes do, and more. But for CARN, which joins
    the layers of EDSR, and KPN+, which takes a minute to trace: it has a test with one block.
    """
    found = {}
    for entry in sorted(zoo.list_weights(), key=lambda entry: entry.name not in MEASURED):
        facts = entry.provenance
        model, options = facts["model"], facts["options"]
        scaled = facts.get("sigma_min") is not None and model != "unet"  # sees levels
        if model in ("unet", "pcn") or (model == "edsr" and "num_classes" in options):
            found.setdefault((model, scaled, options.get("channels")), entry.name)
    return sorted({*MEASURED, *found.values()})


def inputs(network, names, images, height, width):
    """Return random arguments of a network, by name."""
    rng = torch.Generator().manual_seed(0)

    def image():
        return torch.rand(images, network.channels, height, width, generator=rng)

    shape = images, height, width
    classes = torch.randint(0, network.num_classes or 1, shape, generator=rng)
    made = {
        "noisy": image(),
        "levels": 0.05 + 0.2 * torch.rand(images, 1, 1, 1, generator=rng),
        "filtered": image(),
        "classes": classes.to(torch.uint8 if (network.num_classes or 0) <= 256 else torch.int32),
    }
    return {name: made[name] for name in names}


@pytest.fixture(scope="module")
def runtime():
    pytest.importorskip("onnxscript", reason="needs the extra `export`")
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs ONNX files")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1

    def session(path):
        return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])

    return session


def assert_equal_results(session, network, run):
    """Compare at odd sizes; `run` is the network as a function of what the file takes."""
    names = [value.name for value in session.get_inputs()]
    for size in SIZES:
        given = inputs(network, names, *size)
        with torch.no_grad():
            wanted = run(*given.values()).numpy()
        [found] = session.run(None, {name: value.numpy() for name, value in given.items()})
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5, err_msg=str(size))


@pytest.mark.parametrize("name", kinds())
def test_a_shipped_network_runs_elsewhere(runtime, exported, name):
    network, header = zoo.load_network(name)
    loaded = network if isinstance(network, PCN) else hybrid.load(name)
    session = runtime(exported(name))

    run = network
    if loaded is not network and loaded.behaviour.many_levels and "levels" not in network.inputs:

        def run(noisy, levels, classes):  # by hand: scaled to noise of 25 around mid gray
            gain = 25 / 255 / levels
            return (network((noisy - 0.5) * gain + 0.5, classes) - 0.5) / gain + 0.5

    assert_equal_results(session, network, run)
    told = session.get_modelmeta().custom_metadata_map
    assert told["format"] == FORMAT
    if loaded is not network:
        behaviour = json.loads(told["behaviour"])
        assert json.loads(told["header"]) == json.loads(json.dumps(header))
        assert behaviour["pairs"] == (header.get("noisy") is not None)
        assert behaviour["sigma"] == (None if behaviour["pairs"] else header["sigma"])
        assert behaviour["white"] == (219 / 255 if header["noise"] == "video_range" else 1)
        if network.num_classes is not None:
            assert HashSpec.from_dict(behaviour["spec"]).num_classes == network.num_classes


def test_many_classes_and_no_bias_run_elsewhere_and_axes_have_names(runtime, tmp_path):
    torch.manual_seed(0)
    network = EDSR(8, 2, num_classes=300).eval()
    network.blocks[0].conv2 = hybrid.CSConv2d(8, 8, 5, 300, bias=False)
    hybrid.export(network, tmp_path / "network.onnx")
    session = runtime(tmp_path / "network.onnx")
    assert [value.type for value in session.get_inputs()] == ["tensor(float)", "tensor(int32)"]
    shapes = {value.name: value.shape for value in [*session.get_inputs(), *session.get_outputs()]}
    image = ["batch", 1, "height", "width"]
    assert shapes == {"noisy": image, "classes": ["batch", "height", "width"], "out": image}
    assert_equal_results(session, network, network)


def test_predicted_convolutions_run_elsewhere(runtime, tmp_path):
    torch.manual_seed(0)
    network = KPNPlus(8, 1).eval()
    hybrid.export(network, tmp_path / "network.onnx")
    assert_equal_results(runtime(tmp_path / "network.onnx"), network, network)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # torch's own, both
@pytest.mark.filterwarnings("ignore:No complete tensor found:UserWarning")
def test_torch_export_goes_there_and_back():
    torch.manual_seed(0)
    network = UNet(8, blocks=(1, 1, 1), num_classes=72).eval()
    names = ("noisy", *network.inputs)
    file = io.BytesIO()
    torch.export.save(traced(network, names, network.example(50)), file)
    file.seek(0)
    program = torch.export.load(file).module(check_guards=False)  # written for squares
    assert_same = torch.testing.assert_close
    for size in SIZES:
        given = inputs(network, names, *size).values()
        with torch.no_grad():
            assert_same(program(*given), network(*given), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["network.pt", "network"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.onnx, got"):
        hybrid.export(EDSR(8, 1), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_without_onnx_the_message_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hybrid.csconv.onnx", None)
    with pytest.raises(ModuleNotFoundError, match="install the extra `export`"):
        hybrid.export(EDSR(8, 1), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())
