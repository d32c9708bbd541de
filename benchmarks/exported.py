"""Networks as ONNX files, in onnxruntime, against the same networks here."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import SIGMA, Case, Contender, Goal
from raisr import HashSpec, hash_image

__all__ = ["onnx_case"]

_GOALS = {"unet_base": 3.0}


def onnx_case(image: NDArray[np.float32], weights: str) -> Case:
    """Denoise a gray image, sigma told, with a network and with what `hybrid.export` wrote of it.

    What either sees beside the image is made in every call, by the same filters and hash.
    """
    import torch

    import hybrid
    from hybrid.precision import in_bfloat16

    here = {"float32": hybrid.load(weights)}
    if isinstance(here["float32"], hybrid.HybridDenoiser) and in_bfloat16(
        "auto", torch.device("cpu")
    ):
        here["bfloat16"] = hybrid.load(weights, precision="bfloat16")

    def ours(denoiser: Any) -> Contender:
        def run(threads: int) -> object:
            torch.set_num_threads(threads)
            return denoiser.denoise(image, SIGMA, data_range=255)

        return Contender(run)

    exported = _exported(_model(weights), here["float32"].behaviour.spec, image)
    contenders = {"onnxruntime": Contender(exported)}
    contenders |= {f"hybrid, {precision}": ours(each) for precision, each in here.items()}
    peers = list(contenders)[1:]
    return Case(
        f"{weights}, exported",
        image.size,
        contenders,
        subjects=("onnxruntime",),
        goals={name: Goal(_GOALS[weights]) for name in peers if weights in _GOALS},
        note="exported: the file is one of float32",
    )


@cache
def _model(weights: str) -> bytes:
    """Return the ONNX file of some weights."""
    import hybrid

    with tempfile.TemporaryDirectory() as folder:
        hybrid.export(hybrid.load(weights), path := Path(folder, "network.onnx"))
        return path.read_bytes()


def _exported(
    model: bytes, spec: HashSpec | None, image: NDArray[np.float32]
) -> Callable[[int], object]:
    """Return what denoises the image by an ONNX file, for a number of threads."""
    import onnxruntime

    from hybrid.filtered import filtered, guide_of

    @cache
    def session(threads: int) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])

    def run(threads: int) -> object:
        given = session(threads)
        names = {value.name for value in given.get_inputs()}
        inputs = {"noisy": image[None, None] / np.float32(255)}
        guide = image
        if "levels" in names:
            inputs["levels"] = np.full((1, 1, 1, 1), SIGMA / 255, np.float32)
        if "filtered" in names:
            done = filtered(image[None], SIGMA, threads)
            inputs["filtered"], guide = done[None] / np.float32(255), guide_of(done)
        if "classes" in names:
            classes = hash_image(guide, spec, data_range=255, num_threads=threads)
            inputs["classes"] = classes.astype(np.uint8)[None]
        return given.run(None, inputs)[0][0, 0] * np.float32(255)

    return run
