"""`IntelFilters`: folders of filters of the Intel Library for Video Super Resolution.

For each pass such a folder holds ``filterbin_2_8``, the weights behind their type and the numbers
of classes, of pixels of a block and of taps; and ``Qfactor_strbin_2_8`` and ``Qfactor_cohbin_2_8``,
the edges of strength and coherence, one a line. Names of the second pass end in ``_2``. ``config``
has the numbers of angles, strengths and coherences, and the side of the filters.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.cascade import run_stages
from raisr.census import blend
from raisr.files import write_atomically
from raisr.filtering import Stage
from raisr.hashing import HashSpec
from raisr.validate import GRAY_LEVELS, GrayImage, as_image, check_threads, whole_number

__all__ = ["IntelFilters"]

_FACTOR, _SIDE = 2, 11
_PLACES = _FACTOR**2
_SPEC = replace(HashSpec.preset("raisr"), window=_SIDE, period=_FACTOR)
_EDGES = ("strength_edges", "coherence_edges")
_TYPES: dict[bytes, Any] = {b"fp32": "<f4", b"fp16": "<f2"}
_HEAD = 16  # bytes before the weights
_RIDGE = 1e-6


class IntelFilters:
    """Filters that enlarge by 2, as the Intel Library for Video Super Resolution has them.

    For ``raisr.upscale(image, 2, model=...)``, which also takes the name of a folder. An image is
    enlarged by bilinear interpolation, filtered by 11 x 11 pixels for each class and each of the
    four pixels of a block, and mixed with what it was where filters changed the order of
    neighbours (census transform).

    Parameters
    ----------
    stages : sequence of Stage
        One for each pass, one or two: filters of 11 x 11 without bias, for the preset "raisr" with
        a window of 11, a period of 2 and any edges and numbers of bins.

    Notes
    -----
    Classes and results are those of that library, but that nothing is rounded between the steps,
    borders are mirrored and not left out, ties of edges go up, and gradients that are exactly
    horizontal have their own class, where there the class is that of vertical ones. Folders for a
    factor of 1.5, and those that denoise before they enlarge, are not read.

    References
    ----------
    https://github.com/OpenVisualCloud/Video-Super-Resolution-Library
    """

    factor = _FACTOR

    def __init__(self, stages: Sequence[Stage]):
        self.stages = tuple(stages)
        if len(self.stages) not in (1, 2):
            raise ValueError(f"one pass or two are needed, got {len(self.stages)}")
        for stage in self.stages:
            wanted = replace(
                _SPEC,
                orientations=stage.spec.orientations,
                **{name: getattr(stage.spec, name) for name in _EDGES},
            )
            if stage.spec != wanted or (stage.size, stage.planes) != (_SIDE, 1) or stage.bias.any():
                raise ValueError(
                    f"stages must be filters of {_SIDE} x {_SIDE} without bias, for {wanted}; "
                    f"got {stage.size} x {stage.size}, {stage.planes} plane(s), for {stage.spec}"
                )
            if stage.spec.shape != self.stages[0].spec.shape:
                raise ValueError("both passes must have the same numbers of bins")

    def run(self, source, out, data_range, num_threads):
        """Enlarge a GrayImage without a pedestal; `out`, of any type, is written in place."""
        plane = _enlarged(source.plane())
        for stage in self.stages:
            filtered = np.empty_like(plane)
            run_stages([stage], [GrayImage(plane)], [filtered], GRAY_LEVELS, num_threads)
            inside = (filtered > 0) & (filtered < GRAY_LEVELS)
            plane = blend(plane, np.where(inside, filtered, plane), num_threads)
        GrayImage(out).put_back(plane, out, data_range)

    @classmethod
    def learn(
        cls, images: Iterable[ArrayLike], *, num_threads: int | None = None
    ) -> "IntelFilters":
        """Learn one pass of 24 x 3 x 3 classes from sharp images, (H, W), of one type.

        They are reduced as by `raisr.learn_upscaling`, and enlarged by bilinear interpolation.
        """
        from raisr.flat import learn_flat_stage
        from raisr.learning_upscaling import crop_to_multiple, reduce_image

        threads = check_threads(num_threads)
        planes = [as_image(image, None, "image").levelled().plane() for image in images]
        targets = [np.ascontiguousarray(crop_to_multiple(plane, _FACTOR)) for plane in planes]
        inputs = [[_enlarged(reduce_image(target, _FACTOR))] for target in targets]
        options: dict[str, Any] = {"ridge": _RIDGE, "num_threads": threads}
        return cls([learn_flat_stage(inputs, targets, _SPEC, _SIDE, **options)])

    def save(self, folder: str | os.PathLike[str], *, bits: int = 8) -> None:
        """Write a folder that the library reads, for videos of 8, 10 or 16 bits."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        shape = self.stages[0].spec.shape
        write_atomically(folder / "config", " ".join(map(str, (*shape, _SIDE))).encode())
        for stage, names in zip(self.stages, _names(folder, bits), strict=False):
            classes, taps = int(np.prod(shape)), _SIDE**2
            weights = stage.filters.reshape(_PLACES, classes, taps)[::-1].swapaxes(0, 1)
            head = np.array([classes, _PLACES, taps], "<u4").tobytes()
            write_atomically(names[0], b"fp32" + head + weights.astype("<f4").tobytes())
            for path, edges in zip(names[1:], _EDGES, strict=True):
                lines = [f"{edge:.9f}\n" for edge in getattr(stage.spec, edges)]
                write_atomically(path, "".join(lines).encode())

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], *, passes: int = 1, bits: int = 8
    ) -> "IntelFilters":
        """Read a folder.

        Parameters
        ----------
        folder : path_like
        passes : {1, 2}
            How many; there, too, one is the default.
        bits : {8, 10, 16}
            Of the videos that the filters were learned for.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file is damaged, or holds filters for another factor.
        """
        if whole_number(passes) not in (1, 2):
            raise ValueError(f"passes must be 1 or 2, got {passes!r}")
        folder = Path(folder)
        try:
            *shape, side = map(int, (folder / "config").read_text("ascii").split())
            return cls([_read(names, shape, side) for names in _names(folder, bits)[:passes]])
        except ValueError as error:
            raise ValueError(f"{folder}: no filters that enlarge by 2: {error}") from error


def _names(folder, bits):
    """Return the paths of the files of both passes: of the weights, and of the edges."""
    if whole_number(bits) not in (8, 10, 16):
        raise ValueError(f"bits must be 8, 10 or 16, got {bits!r}")
    kinds = ("filterbin", "Qfactor_strbin", "Qfactor_cohbin")
    return [[folder / f"{kind}_2_{bits}{end}" for kind in kinds] for end in ("", "_2")]


def _read(paths, shape, side):
    """Return the stage of a pass."""
    data = paths[0].read_bytes()
    edges = [tuple(map(float, path.read_text("ascii").split())) for path in paths[1:]]
    if side != _SIDE or len(shape) != 3 or shape[1:] != [len(each) + 1 for each in edges]:
        raise ValueError(f"edges {edges} and a side of {side} do not fit {shape} and {_SIDE}")
    strengths, coherences = edges
    spec = replace(
        _SPEC, orientations=shape[0], strength_edges=strengths, coherence_edges=coherences
    )
    counts = [int(np.prod(shape)), _PLACES, side**2]
    if data[:4] not in _TYPES or np.frombuffer(data[4:_HEAD], "<u4").tolist() != counts:
        raise ValueError(f"{paths[0].name} does not hold filters of {counts}")
    weights = np.frombuffer(data[_HEAD:], _TYPES[data[:4]]).astype(np.float32)
    # There, the first pixel of a block is the one below and right of the corner.
    filters = weights.reshape(counts)[:, ::-1].swapaxes(0, 1)
    return Stage(spec, filters.reshape(-1, 1, side, side), np.zeros(spec.num_classes, np.float32))


def _enlarged(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Enlarge by 2 by bilinear interpolation; beyond the border, pixels are repeated."""
    for axis in (0, 1):
        lines = np.moveaxis(plane, axis, 0)
        wide = np.concatenate([lines[:1], lines, lines[-1:]]) * np.float32(0.25)
        near = lines * np.float32(0.75)
        pairs = np.stack([near + wide[:-2], near + wide[2:]], axis=1)
        plane = np.moveaxis(pairs.reshape(-1, lines.shape[1]), 0, axis)
    return np.ascontiguousarray(plane)
