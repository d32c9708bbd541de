"""Files of colour banks: the stages of each plane, and what those of chroma hash."""

import json
from pathlib import Path

from raisr.files import write_atomically
from raisr.filtering import _stored_classes, _stored_stage
from raisr.hashing import HashSpec

__all__ = ["read_parts", "write_parts"]

_FORMAT = "raisr colour bank 1"


def write_parts(path, parts, guides, metadata, dtype):
    """Write a safetensors file, all or nothing.

    Parameters
    ----------
    path : path_like
    parts : dict of str to sequence of Stage
        The cascade of each plane, by its name.
    guides : sequence of str
        What each stage of chroma hashes.
    metadata : dict
    dtype : {"float32", "float16"}
        Type of the stored weights.
    """
    from safetensors.numpy import save

    if dtype not in ("float32", "float16"):
        raise ValueError(f'dtype must be "float32" or "float16", got {dtype!r}')
    tensors, specs = {}, {}
    for name, stages in parts.items():
        specs[name] = [stage.spec.to_dict() for stage in stages]
        for index, stage in enumerate(stages):
            kept = _stored_classes(stage)
            tensors[f"{name}.stage{index}.filters"] = stage.filters[kept].astype(dtype)
            tensors[f"{name}.stage{index}.bias"] = stage.bias[kept].astype(dtype)
    facts = {"specs": specs, "guides": list(guides), "metadata": metadata}
    header = {name: json.dumps(value) for name, value in facts.items()}
    write_atomically(path, save(tensors, {"format": _FORMAT, **header}))


def read_parts(path):
    """Return parts, guides and metadata of a file as `write_parts` takes them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, truncated or not a colour bank.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no colour bank at {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != _FORMAT:
                raise ValueError(f"its format is {header.get('format')!r}, not {_FORMAT!r}")
            parts = {
                name: [
                    _stored_stage(
                        HashSpec.from_dict(spec),
                        file.get_tensor(f"{name}.stage{index}.filters"),
                        file.get_tensor(f"{name}.stage{index}.bias"),
                    )
                    for index, spec in enumerate(specs)
                ]
                for name, specs in json.loads(header["specs"]).items()
            }
            return parts, tuple(json.loads(header["guides"])), json.loads(header["metadata"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a readable colour bank: {error}") from error
