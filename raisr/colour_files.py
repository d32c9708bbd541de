"""Files of colour banks: the stages of each plane, and what those of chroma hash."""

import contextlib
import json

import numpy as np

from raisr.bank_files import opened_bank
from raisr.files import write_atomically
from raisr.filtering import stage_tensors, stored_stage
from raisr.hashing import HashSpec

__all__ = ["COLOUR_FORMAT", "opened_parts", "read_parts", "write_parts"]

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
        What the file holds; `opened_parts` wants the same.

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


@contextlib.contextmanager
def opened_parts(path, kind=COLOUR_FORMAT):
    """Yield parts, guides and metadata of a file as `write_parts` takes them.

    Raises
    ------
    FileNotFoundError, ValueError
        As `raisr.bank_files.opened_bank`, also for what the body of the context makes of them.
    """
    with opened_bank(path, kind) as (file, header):
        parts = {
            name: [
                stored_stage(file, f"{name}.stage{index}", HashSpec.from_dict(spec))
                for index, spec in enumerate(specs)
            ]
            for name, specs in json.loads(header["specs"]).items()
        }
        yield parts, tuple(json.loads(header["guides"])), json.loads(header["metadata"])


def read_parts(path, kind=COLOUR_FORMAT):
    """Return what `opened_parts` yields; raises the same."""
    with opened_parts(path, kind) as found:
        return found
