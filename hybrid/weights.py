"""Files of weights: safetensors with a JSON header, read strictly and written all or nothing."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from hybrid.csconv import CSConv2d
from hybrid.networks.layers import ResidualBlock
from raisr.files import write_atomically

_FORMAT = "raisr-network-1"
_DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.uint8, torch.int32, torch.int64),
)
_NOISE = {"standard": "gaussian", "paper": "video_range"}


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], header: Mapping[str, Any]
) -> None:
    """Write tensors and a JSON-able header to one file, all or nothing.

    Raises
    ------
    OSError
        If the folder is missing or read-only, or the disk is full.
    """
    metadata = {"format": _FORMAT, "header": json.dumps(header)}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(contiguous, metadata))


def load_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the header of a file written by `save_tensors`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, truncated or not one of ours, or holds NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = _header(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not a readable file of weights: {error}") from error
    for name, tensor in tensors.items():
        if tensor.dtype not in _DTYPES:
            raise ValueError(f"{path} is not a readable file of weights: {name} is {tensor.dtype}")
        if not tensor.isfinite().all():
            raise ValueError(f"{path} is damaged: {name} holds NaN or infinity")
    return tensors, header


def steps_in_all(header: Mapping[str, Any]) -> int:
    """Return the steps behind weights: of their run, and of those it started from."""
    return header.get("total_steps", header.get("steps", 0))


def load_into(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy weights into a network of the same kind, or into a twin that sees more or is deeper.

    A `CSConv2d` for which `tensors` has a plain convolution gets a copy of it for every class
    (transfer initialisation). A convolution of further channels has zeros for those. Residual
    blocks that `tensors` does not have start as the identity.

    Raises
    ------
    ValueError
        Names or shapes do not belong to the network; nothing was changed then.
    """
    wanted = network.state_dict()
    class_specific = {
        f"{name}.{part}"
        for name, module in network.named_modules()
        if isinstance(module, CSConv2d)
        for part in ("weight", "bias")
    }

    def fitted(name: str, given: Tensor) -> Tensor:
        place = wanted.get(name, given)
        if name in class_specific and given.shape == place.shape[1:]:
            return given.expand_as(place)
        if given.ndim == place.ndim == 4 and given.shape[1] < place.shape[1]:
            missing = place.shape[1] - given.shape[1]
            return functional.pad(given, (0, 0, 0, 0, 0, missing))
        return given

    given = {name: fitted(name, tensor) for name, tensor in tensors.items()}
    copy_into(wanted, {**_identities(network, tensors), **given})


def _identities(network, tensors):
    """Return the weights of the residual blocks that `tensors` has nothing of."""
    added = {}
    for name, module in network.named_modules():
        prefix = f"{name}."
        if isinstance(module, ResidualBlock) and not any(key.startswith(prefix) for key in tensors):
            for key, value in module.state_dict(prefix=prefix).items():
                added[key] = value * 0 if key.startswith(f"{prefix}conv2.") else value
    return added


def copy_into(places: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into those of the same names.

    Raises
    ------
    ValueError
        Names or shapes differ; nothing was changed then.
    """
    check_same_shapes(places, tensors)
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(tensors[name])


def check_same_shapes(places: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Raise ValueError where names or shapes differ."""
    if different := sorted(set(places) ^ set(tensors)):
        raise ValueError(f"weights of another network: {', '.join(different[:5])} do not match")
    for name, place in places.items():
        if tensors[name].shape != place.shape:
            raise ValueError(
                f"weights of another network: {name} has shape {tuple(tensors[name].shape)}, "
                f"wanted {tuple(place.shape)}"
            )


def _header(metadata):
    if metadata.get("format") != _FORMAT:
        raise ValueError(f"its format is {metadata.get('format')!r}, not {_FORMAT!r}")
    header = json.loads(metadata["header"])
    if not isinstance(header, dict):
        raise ValueError(f"its header is a {type(header).__name__}, not a table")
    for facts in (header, header.get("run", {})):  # files of before named the protocol
        if isinstance(facts, dict) and "protocol" in facts:
            facts["noise"] = _NOISE[facts.pop("protocol")]
    return header
