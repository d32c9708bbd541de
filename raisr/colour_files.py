"""Files of colour banks: the stages of each plane, and what those of chroma hash."""

import json
from pathlib import Path

import numpy as np

from raisr.files import write_atomically
from raisr.filtering import stage_tensors, stored_stage
from raisr.hashing import HashSpec

__all__ = ["COLOUR_FORMAT", "read_parts", "write_parts"]

COLOUR_FORMAT = "raisr colour bank 1"


def write_parts(path, parts, guides, metadata, dtype, kind=COLOUR_FORMAT):
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
    kind : str
        What the file holds; `read_parts` wants the same.

    Raises
    ------
    ValueError
        For another dtype, or weights that are too large for it.
    """
    from safetensors.numpy import save

    tensors: dict[str, np.ndarray] = {}
    specs = {}
    for name, stages in parts.items():
        specs[name] = [stage.spec.to_dict() for stage in stages]
        for index, stage in enumerate(stages):
            tensors |= stage_tensors(stage, f"{name}.stage{index}", dtype)
    facts = {"specs": specs, "guides": list(guides), "metadata": metadata}
    header = {name: json.dumps(value) for name, value in facts.items()}
    write_atomically(path, save(tensors, {"format": kind, **header}))


def read_parts(path, kind=COLOUR_FORMAT):
    """Return parts, guides and metadata of a file as `write_parts` takes them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, truncated or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {_name(kind)} at {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != kind:
                raise ValueError(f"its format is {header.get('format')!r}, not {kind!r}")
            parts = {
                name: [
                    stored_stage(file, f"{name}.stage{index}", HashSpec.from_dict(spec))
                    for index, spec in enumerate(specs)
                ]
                for name, specs in json.loads(header["specs"]).items()
            }
            return parts, tuple(json.loads(header["guides"])), json.loads(header["metadata"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a readable {_name(kind)}: {error}") from error


def _name(kind):
    return kind.removeprefix("raisr ").rstrip(" 0123456789")
