"""Networks for other runtimes: ONNX."""

import copy
import inspect
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from hybrid.behaviour import Behaviour
from hybrid.default import MODELS, choice_for
from hybrid.denoiser import NetworkDenoiser
from hybrid.levels import at_reference
from hybrid.networks import Network
from hybrid.networks.pcn import PCN
from hybrid.zoo import load, load_network
from raisr.files import write_atomically

FORMAT = "raisr-onnx-1"

_NO_ONNX = "hybrid.export needs onnx and onnxscript: install the extra `export` of this package"
_AXES = {"levels": {0: "batch"}, "classes": {0: "batch", 1: "height", 2: "width"}}
_IMAGE = {0: "batch", 2: "height", 3: "width"}
_SIDE = 50  # of the images that are traced; no multiple of any network's stride


def export(network: Network | NetworkDenoiser, path: str | os.PathLike[str]) -> None:
    """Write a network as an ONNX file, for images of any size and any number of them.

    Parameters
    ----------
    network : Network or NetworkDenoiser
        What `hybrid.load` returns, `hybrid.zoo.load_pcn`, or a network of one's own.
    path : path_like
        Ends in ``.onnx``. Written under a temporary name, then renamed.

    Raises
    ------
    ModuleNotFoundError
        Without the packages of the extra `export`.
    ValueError
        For another ending.
    OSError
        If the folder is missing or read-only, or the disk is full.

    Notes
    -----
    The inputs of the file are float32, but for the classes:

    - ``noisy`` (B, channels, H, W), gray levels / 255;
    - ``levels`` (B, 1, 1, 1), standard deviation of the noise in that unit, where the network
      serves many;
    - ``filtered``, of the shape of ``noisy``: what `raisr.denoise` makes of the image, for the
      hybrid U-Nets;
    - ``classes`` (B, H, W), uint8, or int32 beyond 256 classes, for class-specific networks: of
      `raisr.hash_image` or of a PCN, which is a network of its own.

    Its output ``out`` is the denoised images, or what a PCN predicts. The metadata of the file
    tell the rest as JSON: ``behaviour`` how it is to be used (noise levels, white, where classes
    come from and their `HashSpec`), ``header`` where its weights come from.

    Everything is written in standard operators of opset 18, class-specific convolution, too: as
    `hybrid.csconv.onnx` describes.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise ValueError(f"the name must end in .onnx, got {path.name!r}")
    behaviour, header = Behaviour(), dict[str, Any]()
    if isinstance(network, NetworkDenoiser):
        behaviour, header = network.behaviour, network.provenance
        network = network.network
    model = _onnx(*_with_levels(network, behaviour))
    facts = {
        "format": FORMAT,
        "behaviour": json.dumps(asdict(replace(behaviour, spec=None)) | _spec(behaviour)),
        "header": json.dumps(header),
    }
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    write_atomically(path, model.SerializeToString())


def export_weights(name: str, path: str | os.PathLike[str]) -> None:
    """Write the network of some weights with `export`: what ``raisr export`` does.

    Parameters
    ----------
    name : str
        See `hybrid.load`; a PCN, too. "small" and "base" are those of `hybrid.denoise` for gray
        images.
    path : path_like
    """
    if name in MODELS:
        weights, ensemble = choice_for(1, name)
        if ensemble > 1:
            raise ValueError(f"{name} is the mean of {ensemble} results of {weights}: export that")
        name = weights
    network, _ = load_network(name)
    export(network if isinstance(network, PCN) else load(name), path)


def traced(
    network: nn.Module, names: tuple[str, ...], example: tuple[Tensor, ...]
) -> ExportedProgram:
    """Return a network as a `torch.export.ExportedProgram` of images of any size.

    Parameters
    ----------
    network : nn.Module
    names : tuple of str
        Of the arguments of its `forward`, as in `Network.inputs`, behind "noisy".
    example : tuple of tensors
        Arguments for one image.
    """
    pairs = tuple(torch.cat([tensor, tensor]) for tensor in example)
    axes = (_AXES.get(name, _IMAGE) for name in names)
    dynamic: tuple[Any, ...] = tuple(dict.fromkeys(each, Dim.DYNAMIC) for each in axes)
    parameters = list(inspect.signature(network.forward).parameters.values())
    if parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL:
        named = len(parameters) - 1
        dynamic = (*dynamic[:named], dynamic[named:])
    return torch.export.export(network, pairs, dynamic_shapes=dynamic)


class _AtLevels(nn.Module):
    """A network for many noise levels that sees one: images are scaled for it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, noisy: Tensor, levels: Tensor, *maps: Tensor) -> Tensor:
        return at_reference(self.network, noisy, levels, *maps)


def _with_levels(network: Network, behaviour: Behaviour):
    """Return what is exported, the names of its inputs, and an example of them."""
    module = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
    noisy, *maps = network.example(_SIDE)
    names = ["noisy", *network.inputs]
    if (network.num_classes or 0) > 256:
        maps = [part.int() if part.dtype == torch.uint8 else part for part in maps]
    if behaviour.many_levels and "levels" not in names:
        names.insert(1, "levels")
        return _AtLevels(module), tuple(names), (noisy, torch.zeros(1, 1, 1, 1), *maps)
    return module, tuple(names), (noisy, *maps)


def _onnx(module: nn.Module, names: tuple[str, ...], example: tuple[Tensor, ...]) -> Any:
    """Return an `onnx.ModelProto`."""
    try:
        from hybrid.csconv.onnx import OPSET, translation
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_NO_ONNX, name=error.name) from error
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            traced(module, names, example),
            dynamo=True,
            verbose=False,
            input_names=names,
            output_names=["out"],
            opset_version=OPSET,
            custom_translation_table={torch.ops.hybrid.cs_conv2d.default: translation()},
        )
    assert program is not None  # as torch gives it with dynamo=True
    model = program.model_proto
    for value in (*model.graph.input, *model.graph.output):
        for axis, name in _AXES.get(value.name, _IMAGE).items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    return model


def _spec(behaviour: Behaviour) -> dict[str, Any]:
    return {} if behaviour.spec is None else {"spec": behaviour.spec.to_dict()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what torch tells of its own parts, and of packages that are not needed."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
