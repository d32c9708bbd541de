import json
import pickle
import zipfile

import pytest
import safetensors.torch
import torch
from torch import nn

from hybrid.networks.edsr import EDSR
from hybrid.weights import copy_into, load_into, load_tensors, save_tensors

HEADER = {"model": "edsr", "options": {"blocks": 1}, "sigma": 25.0, "scores": {}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.safetensors"


def network(num_classes=None, seed=0):
    torch.manual_seed(seed)
    return EDSR(4, 1, num_classes)


def copies(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_tensors_and_header_come_back(path):
    tensors = {
        "weight": torch.rand(3, 4, 2, 2).contiguous(memory_format=torch.channels_last),
        "half": torch.rand(3).bfloat16(),
        "count": torch.tensor(3),
        "part": torch.rand(4, 4)[:, 1:3],
        "parameter": nn.Parameter(torch.rand(2)),
    }
    save_tensors(path, tensors, HEADER)
    found, header = load_tensors(path)
    assert header == HEADER
    assert equal(found, {name: value.detach() for name, value in tensors.items()})
    assert {name: value.dtype for name, value in found.items()} == {
        name: value.dtype for name, value in tensors.items()
    }


def test_a_missing_file_is_told(path):
    with pytest.raises(FileNotFoundError, match=f"no weights at {path}"):
        load_tensors(path)
    with pytest.raises(FileNotFoundError, match="no weights at"):
        load_tensors(path.parent)


def test_every_truncation_is_refused(path):
    save_tensors(path, {"weight": torch.rand(5)}, HEADER)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"{path} is not a readable file of weights"):
            load_tensors(path)


def test_foreign_files_are_refused(path):
    torch.save({"weight": torch.rand(5)}, path)
    assert zipfile.is_zipfile(path)
    refused = [path.read_bytes(), pickle.dumps({"weight": [1.0]}), b"\x89PNG\r\n", b"{}"]
    metadata = {"format": "raisr-network-1"}
    for broken in (
        None,
        {"format": "pt"},
        metadata,
        {**metadata, "header": "{"},
        {**metadata, "header": json.dumps([1])},
    ):
        refused.append(safetensors.torch.save({"weight": torch.rand(5)}, broken))
    for content in refused:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{path} is not a readable file of weights: "):
            load_tensors(path)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_values_that_are_not_finite_are_refused(path, value):
    save_tensors(path, {"good": torch.ones(3), "bad": torch.tensor([0, value])}, {})
    with pytest.raises(ValueError, match=f"{path} is damaged: bad holds NaN or infinity"):
        load_tensors(path)


def test_a_failing_disk_leaves_the_old_file(path, monkeypatch):
    save_tensors(path, {"weight": torch.rand(5)}, HEADER)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        save_tensors(path, {"weight": torch.rand(5)}, HEADER)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_weights_of_another_network_are_refused_and_nothing_is_changed():
    place = network()
    before = copies(place)
    good = copies(network(seed=1))
    first, *_, last = good
    for broken, message in [
        ({name: good[name] for name in list(good)[1:]}, f"{first} do not match"),
        ({**good, "other": torch.zeros(1)}, "other do not match"),
        ({**good, last: torch.zeros(2)}, rf"{last} has shape \(2,\), wanted \(1,\)"),
        # What every class could have a copy of, if there were classes.
        ({**good, "entry.weight": good["entry.weight"][0]}, r"entry.weight has shape \(1, 3, 3\)"),
        ({**good, "blocks.0.activation.weight": torch.tensor(0.1)}, r"has shape \(\), wanted"),
        (copies(network(num_classes=3)), r"blocks.0.conv2.weight has shape \(3, 4, 4, 3, 3\)"),
        (copies(EDSR(4, 2)), "blocks.1.activation.weight"),
    ]:
        with pytest.raises(ValueError, match=f"^weights of another network: .*{message}"):
            load_into(place, broken)
        assert equal(copies(place), before)


def test_a_class_specific_network_starts_as_its_plain_twin():
    plain, twin = network(), network(num_classes=3, seed=1)
    load_into(twin, plain.state_dict())
    image, classes = torch.rand(2, 1, 9, 8), torch.randint(3, (2, 9, 8))
    with torch.no_grad():
        torch.testing.assert_close(twin(image, classes), plain(image))


def test_a_deeper_network_starts_as_the_shallower():
    shallow, deep = network(), EDSR(4, 4)
    load_into(deep, shallow.state_dict())
    image = torch.rand(2, 1, 9, 8)
    with torch.no_grad():
        torch.testing.assert_close(deep(image), shallow(image))
    assert deep.blocks[-1].conv1.weight.any()  # and its gradients are not all zero


def test_a_block_that_lacks_a_part_is_refused():
    good = copies(network())
    name = next(name for name in good if name.startswith("blocks.0."))
    with pytest.raises(ValueError, match=f"{name} do not match"):
        load_into(EDSR(4, 4), {key: value for key, value in good.items() if key != name})


def test_only_the_class_specific_layers_are_transferred():
    twin = network(num_classes=3)
    before = copies(twin)
    good = copies(network())
    with pytest.raises(ValueError, match=r"entry.bias has shape \(\), wanted \(4,\)"):
        load_into(twin, {**good, "entry.bias": torch.tensor(0.0)})
    with pytest.raises(ValueError, match=r"conv2.bias has shape \(2, 4\), wanted \(3, 4\)"):
        load_into(twin, {**good, "blocks.0.conv2.bias": torch.zeros(2, 4)})
    assert equal(copies(twin), before)


def test_copies_go_into_the_tensors_themselves():
    place = torch.zeros(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    given = torch.rand(2, 3, 2, 2)
    strides = place.stride()
    copy_into({"weight": place}, {"weight": given})
    assert torch.equal(place, given)
    assert place.stride() == strides
