"""Files of weights: safetensors with a JSON header, read strictly and written all or nothing."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from raisr._files import write_atomically

_FORMAT = "raisr-network-1"


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
        If the file is damaged, truncated, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, not {_FORMAT!r}")
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(  # noqa: SIM118
                metadata["header"]
            )
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a readable file of weights: {error}") from error


def load_into(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy weights into a network of the same kind, or into the class-specific twin of it.

    Where the network has one filter a class and `tensors` has a single one, every class gets a
    copy of it (transfer initialisation).

    Raises
    ------
    ValueError
        Names or shapes do not belong to the network.
    """
    wanted = network.state_dict()
    if set(wanted) != set(tensors):
        different = sorted(set(wanted) ^ set(tensors))
        raise ValueError(f"weights of another network: {', '.join(different[:5])} do not match")
    for name, place in wanted.items():
        given = tensors[name]
        if given.shape not in (place.shape, place.shape[1:]):
            raise ValueError(
                f"weights of another network: {name} has shape {tuple(given.shape)}, "
                f"wanted {tuple(place.shape)}"
            )
        place.copy_(given.to(place.dtype).expand_as(place))
