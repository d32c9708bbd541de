"""`FilterBank`: one linear filter per class, in one stage or a cascade."""

import hashlib
import json
import math
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.bank_files import opened_bank
from raisr.blocks import aligned_empty
from raisr.cascade import run_stages
from raisr.files import write_atomically
from raisr.hashing import HashSpec, resolve_spec
from raisr.symmetry import canonical_classes, expand
from raisr.validate import as_companion, as_image, check_threads

__all__ = ["FilterBank", "Stage", "run_guided", "stage_tensors", "stored_stage"]

_FORMAT = "raisr filter bank 1"


@dataclass(frozen=True, eq=False)
class Stage:
    """One hash and its filters.

    Parameters
    ----------
    spec : HashSpec or str
        What a class is, or the name of a preset.
    filters : (num_classes, planes, size, size) float32
        Correlation weights over the pixel's neighbourhood in each plane: the input image, and
        from the second stage on the output of the stage before. Copied, and read-only.
    bias : (num_classes,) float32
        Constant added to the result, gray levels. Copied, and read-only.
    """

    spec: HashSpec
    filters: np.ndarray
    bias: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "spec", resolve_spec(self.spec))
        for name in ("filters", "bias"):
            if (dtype := np.asarray(getattr(self, name)).dtype).kind not in "fiu":
                raise TypeError(f"{name} must be real numbers, got {dtype}")
        # Copies that nobody writes to: `packed` is made from them once.
        filters = np.array(self.filters, np.float32, order="C")
        bias = np.array(self.bias, np.float32, order="C")
        classes, size = self.spec.num_classes, filters.shape[-1] if filters.ndim == 4 else 0
        if filters.shape[:1] != (classes,) or filters.shape[2:] != (size, size):
            raise ValueError(
                f"filters must be ({classes}, planes, size, size) for this spec, "
                f"got shape {filters.shape}"
            )
        if size % 2 == 0 or size > 15:
            raise ValueError(f"filter size must be odd and at most 15, got {size}")
        if bias.shape != (classes,):
            raise ValueError(f"bias must be ({classes},), got shape {bias.shape}")
        if not (np.isfinite(filters).all() and np.isfinite(bias).all()):
            raise ValueError("filters and bias must be finite")
        filters.flags.writeable = bias.flags.writeable = False
        object.__setattr__(self, "filters", filters)
        object.__setattr__(self, "bias", bias)

    @property
    def size(self) -> int:
        """Side of the filters."""
        return int(self.filters.shape[-1])

    @property
    def planes(self) -> int:
        """Number of planes the filters reach into."""
        return int(self.filters.shape[1])

    @cached_property
    def digest(self) -> str:
        """What tells this stage from others: a hexadecimal number."""
        found = hashlib.sha256(json.dumps(self.spec.to_dict(), sort_keys=True).encode())
        found.update(self.filters.tobytes())
        found.update(self.bias.tobytes())
        return found.hexdigest()

    @cached_property
    def packed(self) -> np.ndarray:
        """Filters as `raisr.kernels.apply.filter_rows` reads them."""
        from raisr.simd import lanes_for

        classes, planes, size, _ = self.filters.shape
        packed = aligned_empty((classes, 1 + planes * size, lanes_for(size)))
        packed[:] = 0
        packed[:, 0, 0] = self.bias
        packed[:, 1:, :size] = self.filters.reshape(classes, planes * size, size)
        return packed


class FilterBank:
    """Learned filters: apply them, keep them, look at them.

    Parameters
    ----------
    stages : sequence of Stage
        The first reaches into the image alone; each later one into the image and the output of
        the one before, which it also hashes.
    metadata : dict, optional
        JSON-able facts about the training.

    Examples
    --------
    >>> import numpy as np
    >>> spec = HashSpec.preset("csconv")
    >>> delta = np.zeros((spec.num_classes, 1, 3, 3), np.float32)
    >>> delta[:, :, 1, 1] = 1
    >>> bank = FilterBank([Stage(spec, delta, np.zeros(spec.num_classes))])
    >>> image = np.arange(20, dtype=np.uint8).reshape(4, 5)
    >>> bool((bank.apply(image) == image).all())
    True
    """

    def __init__(self, stages, metadata=None):
        self.stages = tuple(stages)
        self.metadata = dict(metadata or {})
        if not self.stages:
            raise ValueError("a FilterBank needs at least one stage")
        for index, stage in enumerate(self.stages):
            if not isinstance(stage, Stage):
                raise TypeError(f"stage {index} must be a Stage, got {type(stage).__name__}")
            wanted = 1 if index == 0 else 2
            if stage.planes != wanted:
                raise ValueError(
                    f"stage {index} must have filters for {wanted} plane(s), got {stage.planes}"
                )

    def __repr__(self):
        parts = ", ".join(
            "{}x{}x{} classes of {}x{}".format(*s.spec.shape, s.size, s.size) for s in self.stages
        )
        return f"FilterBank({parts})"

    def apply(
        self,
        image: ArrayLike,
        guide: ArrayLike | None = None,
        *,
        data_range: float | None = None,
        num_threads: int | None = None,
    ) -> NDArray:
        """Filter an image.

        Parameters
        ----------
        image : (H, W) array_like
            uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
        guide : (H, W) array_like, optional
            Image that the first stage hashes instead of `image`, in the same unit; of a type with
            the same white, unless `data_range` is given.
        data_range : float, optional
            Value of white: by default the maximum of an integer type, 1.0 for floats.
        num_threads : int, optional
            Default: every core. The result does not depend on it.

        Returns
        -------
        out : (H, W) array
            Of the dtype of `image`. Integers are rounded and clipped, floats neither clipped nor
            rescaled.

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape, an empty image, NaN or infinity, or a guide of another
            shape or white.

        Warns
        -----
        UserWarning
            Where the values do not fit white: is `data_range` right?

        Notes
        -----
        Borders are reflected. What lies far from [0, white] is moved there and back, as by
        `denoise`. Time grows with pixels times ``planes * size**2`` of each stage.
        """
        source = as_image(image, data_range)
        first = None if guide is None else as_companion(guide, source, data_range, "guide")
        if first is not None and first.shape != source.shape:
            raise ValueError(f"guide must have shape {source.shape}, got {first.shape}")
        out = np.empty(source.shape, source.array.dtype)
        run_guided(self.stages, source, first, out, data_range, check_threads(num_threads))
        return out

    def info(self) -> dict[str, Any]:
        """Return what the bank holds and how it was learned, as JSON-able values."""
        stages = [
            {
                "classes": stage.spec.num_classes,
                "shape": list(stage.spec.shape),
                "planes": stage.planes,
                "size": stage.size,
                "macs_per_pixel": stage.planes * stage.size**2,
                "spec": stage.spec.to_dict(),
            }
            for stage in self.stages
        ]
        return {"stages": stages, "metadata": self.metadata}

    def plot(self, stage=0):
        """Draw one stage's filters: rows strength x coherence, columns orientation."""
        from raisr.plotting import plot_bank

        return plot_bank(self, stage)

    def save(self, path: str | os.PathLike[str], *, dtype: str = "float32") -> None:
        """Write the bank as a safetensors file, all or nothing.

        Of a symmetric stage only the canonical classes are stored, and of filters that are their
        own half turn the first half of the taps: an eighth in all.

        Parameters
        ----------
        path : path_like
            Written under a temporary name, then renamed.
        dtype : {"float32", "float16"}
            Type of the stored weights; float16 halves the file and costs about 0.001 dB.

        Raises
        ------
        ValueError
            For another dtype, or weights that are too large for it.
        """
        from safetensors.numpy import save

        tensors: dict[str, np.ndarray] = {}
        for index, stage in enumerate(self.stages):
            tensors |= stage_tensors(stage, f"stage{index}", dtype)
        header = {
            "format": _FORMAT,
            "specs": json.dumps([stage.spec.to_dict() for stage in self.stages]),
            "metadata": json.dumps(self.metadata),
        }
        write_atomically(path, save(tensors, header))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "FilterBank":
        """Read a bank written by `save`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, truncated or not a filter bank.
        """
        with opened_bank(path, _FORMAT) as (file, header):
            specs = [HashSpec.from_dict(spec) for spec in json.loads(header["specs"])]
            stages = [stored_stage(file, f"stage{i}", spec) for i, spec in enumerate(specs)]
            return cls(stages, json.loads(header["metadata"]))


def run_guided(stages, source, guide, out, data_range, num_threads):
    """Filter a GrayImage; the first stage hashes another one, `guide`, if it is not None."""

    def hashed(index, inputs):
        return stages[index].spec, inputs[0] if index or guide is None else guide.levelled()

    run_stages(stages, [source], [out], data_range, num_threads, hashed)


def stage_tensors(stage, name, dtype):
    """Return the tensors that hold a stage in a file, by their names.

    Parameters
    ----------
    stage : Stage
    name : str
        What their names begin with.
    dtype : {"float32", "float16"}
        Their type.

    Raises
    ------
    ValueError
        For another dtype, or weights that are too large for it.
    """
    if dtype not in ("float32", "float16"):
        raise ValueError(f'dtype must be "float32" or "float16", got {dtype!r}')
    kept = _stored_classes(stage)
    parts = {"filters": stage.filters[kept], "bias": stage.bias[kept]}
    for part, values in parts.items():
        if (largest := np.abs(values).max()) > np.finfo(dtype).max:
            raise ValueError(f"{dtype} cannot hold the {part}, up to {largest:.4g}")
    stored = {part: values.astype(dtype) for part, values in parts.items()}
    # Learned filters are their own half turn up to rounding.
    stored["filters"] = np.ascontiguousarray(_first_half(stored["filters"]))
    return {f"{name}.{part}": values for part, values in stored.items()}


def _first_half(filters):
    """Return the taps up to the middle one, (..., taps), of filters that are their own half turn.

    Others are returned as they are, (..., size, size).
    """
    if not np.array_equal(filters, filters[..., ::-1, ::-1]):
        return filters
    taps = filters.reshape(*filters.shape[:2], -1)
    return taps[..., : taps.shape[-1] // 2 + 1]


def _both_halves(taps):
    """Return whole filters: the inverse of `_first_half`."""
    if taps.ndim != 3:
        return taps
    whole = np.concatenate([taps, taps[..., -2::-1]], axis=-1)
    size = math.isqrt(whole.shape[-1])
    if size**2 != whole.shape[-1]:
        raise ValueError(f"filters of {taps.shape[-1]} stored taps are not square")
    return whole.reshape(*taps.shape[:2], size, size)


def _stored_classes(stage):
    filters, bias = expand(stage.spec, stage.filters, stage.bias)
    if np.array_equal(filters, stage.filters) and np.array_equal(bias, stage.bias):
        return canonical_classes(stage.spec)
    return np.arange(stage.spec.num_classes)


def stored_stage(file, name, spec):
    """Return the stage that `stage_tensors` stored in an open safetensors file."""
    filters = _both_halves(file.get_tensor(f"{name}.filters"))
    bias = file.get_tensor(f"{name}.bias")
    canonical = canonical_classes(spec)
    if len(filters) != len(canonical) or len(canonical) == spec.num_classes:
        return Stage(spec, filters, bias)
    if bias.shape != canonical.shape:
        raise ValueError(f"bias must be {canonical.shape}, got shape {bias.shape}")
    whole = np.zeros((spec.num_classes, *filters.shape[1:]), np.float32)
    offsets = np.zeros(spec.num_classes, np.float32)
    whole[canonical], offsets[canonical] = filters, bias
    return Stage(spec, *expand(spec, whole, offsets))
