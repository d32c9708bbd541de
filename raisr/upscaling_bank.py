"""`UpscalingBank`: a stage that enlarges, and stages that finish its result."""

import json
import os
from typing import Any

import numpy as np

from raisr.bank_files import opened_bank
from raisr.block_classes import block_classes, sees_blocks
from raisr.files import write_atomically
from raisr.phases import PhaseStage, expand_phases
from raisr.profiles import ProfileSpec, canonical_profiles, class_map
from raisr.validate import GRAY_LEVELS, GrayImage

__all__ = ["UpscalingBank", "following"]

_FORMAT = "raisr upscaling bank 1"


class UpscalingBank:
    """Learned filters that enlarge an image.

    Parameters
    ----------
    stages : sequence of PhaseStage
        The first gives blocks of `factor` x `factor` pixels. Each later one gives them anew, of
        the first one's result and, from the third on, that of the stage before too. Classes are
        in turns those of the small image's pixels and of the blocks of the result before. Later
        stages may have factor 1 instead: they give pixel by pixel, by the classes of the result.
    metadata : dict, optional
        JSON-able facts about the training.
    """

    def __init__(self, stages, metadata=None):
        self.stages, self.metadata = tuple(stages), dict(metadata or {})
        planes = [stage.planes for stage in self.stages]
        factors = [stage.factor for stage in self.stages]
        wanted = [1, 1, *[2] * len(planes)][: len(planes)]
        if not planes or planes != wanted or not set(factors[1:]) <= {1, factors[0]}:
            raise ValueError(f"stages of {planes} planes and factors {factors} are no cascade")
        steps = [stage.step for stage in self.stages]
        if steps != [1, *factors[1:]]:
            raise ValueError(f"stages of factors {factors} cannot have steps of {steps}")

    @property
    def factor(self) -> int:
        """How many times larger the result is."""
        return self.stages[0].factor

    def run(self, source, out, data_range, num_threads):
        """Enlarge a GrayImage without a pedestal; `out`, of any type, is written in place."""
        planes: list[GrayImage] = []
        known: dict[Any, Any] = {}
        for index, stage in enumerate(self.stages):
            last = index == len(self.stages) - 1
            result = out if last else np.empty(out.shape, np.float32)
            white = data_range if last else GRAY_LEVELS
            if stage.factor < self.factor:
                classes = class_map(planes[-1], stage.spec, num_threads)
            elif sees_blocks(index):
                classes = block_classes(planes[-1].array, self.factor, stage.spec, num_threads)
            else:
                classes = known.get(stage.spec)
                if classes is None:
                    classes = known[stage.spec] = class_map(source, stage.spec, num_threads)
            stage.run(planes or [source], classes, result, white, num_threads)
            planes = following(planes, GrayImage(result))

    def info(self) -> dict[str, Any]:
        """Return what the bank holds and how it was learned, as JSON-able values."""
        stages = [
            {
                "classes": stage.spec.num_classes,
                "shape": list(stage.spec.shape),
                "factor": stage.factor,
                "margin": stage.margin,
                "planes": stage.planes,
                "size": stage.size,
                "macs_per_pixel": round(stage.filters[0].size / stage.factor**2),
                "spec": stage.spec.to_dict(),
            }
            for stage in self.stages
        ]
        return {"stages": stages, "metadata": self.metadata}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the bank as a safetensors file of float16, all or nothing.

        Only the canonical classes are stored, less than a quarter: stages must be symmetric.

        Raises
        ------
        ValueError
            For weights too large for float16, or filters that are not symmetric.
        """
        from safetensors.numpy import save

        tensors = {}
        for index, stage in enumerate(self.stages):
            if not np.allclose(expand_phases(stage.spec, stage.filters), stage.filters, atol=1e-5):
                raise ValueError(f"stage {index} does not look the same in all eight views")
            kept = stage.filters[canonical_profiles(stage.spec)]
            if (largest := np.abs(kept).max()) > np.finfo(np.float16).max:
                raise ValueError(f"float16 cannot hold the filters, up to {largest:.4g}")
            tensors[f"stage{index}.filters"] = kept.astype(np.float16)
        header = {
            "format": _FORMAT,
            "specs": json.dumps([stage.spec.to_dict() for stage in self.stages]),
            "margins": json.dumps([stage.margin for stage in self.stages]),
            "metadata": json.dumps(self.metadata),
        }
        write_atomically(path, save(tensors, header))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "UpscalingBank":
        """Read a bank written by `save`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, truncated or not a bank that enlarges.
        """
        with opened_bank(path, _FORMAT) as (file, header):
            specs = [ProfileSpec.from_dict(spec) for spec in json.loads(header["specs"])]
            margins = json.loads(header["margins"])
            stages = [
                _stage(spec, file.get_tensor(f"stage{index}.filters"), margin, index == 0)
                for index, (spec, margin) in enumerate(zip(specs, margins, strict=True))
            ]
            return cls(stages, json.loads(header["metadata"]))


def following(planes, result):
    """Return what the next stage reaches into: the first result, and the latest."""
    return [*planes[:1], result]


def _stage(spec, stored, margin, first):
    canonical = canonical_profiles(spec)
    if len(stored) != len(canonical) or stored.ndim != 6:
        raise ValueError(f"filters must be of {len(canonical)} classes, got {stored.shape}")
    whole = np.zeros((spec.num_classes, *stored.shape[1:]), np.float32)
    whole[canonical] = stored
    step = 1 if first else whole.shape[1] - 2 * margin
    return PhaseStage(spec, expand_phases(spec, whole), margin, step)
