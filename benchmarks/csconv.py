"""Class-specific convolution against PyTorch's convolution, alone and in a step of training."""

import ctypes
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Contender, Goal
from raisr import HashSpec
from raisr.hashing import class_map
from raisr.validate import GrayImage

__all__ = ["csconv_backward_case", "csconv_case", "csconv_step_case"]

_CHANNELS = 16
_CROPS, _SIDE = 4, 96
_DENSE = "torch conv2d, channels_last"
_NOTE = (
    "CSConv: freed memory stays with the process, for all contenders; `a new class map` sorts its "
    "pixels in every call, while a network's layers share one that is sorted once"
)


def _keep_memory() -> None:
    """Let freed memory stay with the process: fresh pages cost as much as a convolution."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc
        for parameter in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            mallopt(parameter, 1 << 30)


class _Layers:
    """One convolution, plain and class-specific, and random images to convolve."""

    def __init__(self, image: NDArray[np.float32], kind: str):
        import torch

        from hybrid import CSConv2d

        _keep_memory()
        torch.manual_seed(0)
        spec = HashSpec.preset("csconv")
        classes = class_map(GrayImage(image), spec, 1).astype(np.uint8)[None]
        self.maps = [torch.from_numpy(array) for array in (classes, classes[..., ::-1].copy())]
        self.others = itertools.cycle(self.maps)
        dtype, last = getattr(torch, kind), torch.channels_last
        plain = torch.nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1)
        self.special = CSConv2d.from_conv(plain, spec.num_classes)
        plain.weight.data = plain.weight.contiguous(memory_format=last)
        self.plain = plain.to(dtype)
        shape = 1, _CHANNELS, *image.shape
        self.x, self.gradient = (
            torch.randn(shape).to(dtype).contiguous(memory_format=last) for _ in range(2)
        )

    def contenders(self, call: Callable[..., Any]) -> dict[str, Contender]:
        """Return what is compared; `call` takes a layer and its arguments."""
        import torch

        def contender(function: Callable[[], Any]) -> Contender:
            def run(threads: int) -> None:
                torch.set_num_threads(threads)
                function()

            return Contender(run)

        return {
            "CSConv": contender(lambda: call(self.special, self.x, self.maps[0])),
            "CSConv, a new class map": contender(
                lambda: call(self.special, self.x, next(self.others))
            ),
            _DENSE: contender(lambda: call(self.plain, self.x)),
        }

    def case(self, title: str, contenders: dict[str, Contender], limit: float) -> Case:
        """Return the case, whose first contender has a goal."""
        return Case(
            title,
            self.x[0, 0].numel(),
            contenders,
            subjects=("CSConv", "CSConv, a new class map"),
            goals={_DENSE: Goal(limit)},
            note=_NOTE,
        )


def csconv_case(image: NDArray[np.float32], kind: str) -> Case:
    """Convolve 16 channels to 16, 3x3, with 72 classes."""
    import torch

    def forward(layer: Callable[..., Any], *arguments: Any) -> None:
        with torch.no_grad():
            layer(*arguments)

    layers = _Layers(image, kind)
    return layers.case(f"CSConv forward, {kind}", layers.contenders(forward), 1.10)


def csconv_backward_case(image: NDArray[np.float32], kind: str) -> Case:
    """Convolve, and find the gradients of the input and of all parameters."""
    layers = _Layers(image, kind)

    def both(layer: Any, x: Any, *classes: Any) -> None:
        x = x.detach().requires_grad_()
        layer(x, *classes).backward(layers.gradient)
        layer.zero_grad()

    title = f"CSConv forward + backward, {kind}"
    return layers.case(title, layers.contenders(both), 1.15)


def csconv_step_case(image: NDArray[np.float32], kind: str) -> Case:
    """Train EDSR16 and CS-EDSR16, transferred from it, for one step: 4 crops of 96x96, Adam."""
    import torch

    from hybrid.networks import build

    _keep_memory()
    torch.manual_seed(0)
    side = min(_SIDE, len(image))
    starts = np.linspace(0, len(image) - side, _CROPS).astype(int)
    crops = np.stack([image[i : i + side, i : i + side] for i in starts])
    spec = HashSpec.preset("csconv")
    classes = torch.from_numpy(
        np.stack([class_map(GrayImage(crop), spec, 1).astype(np.uint8) for crop in crops])
    )
    noisy = torch.from_numpy(crops[:, None] / np.float32(255))
    plain, special = build("edsr"), build("edsr", num_classes=spec.num_classes)
    weights = plain.state_dict()
    special.load_state_dict(
        {name: weights[name].expand_as(own) for name, own in special.state_dict().items()}
    )

    def step(network: Any, *classes: Any) -> Contender:
        optimizer = torch.optim.Adam(network.parameters(), fused=True)

        def run(threads: int) -> None:
            torch.set_num_threads(threads)
            with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bfloat16"):
                loss = (network(noisy, *classes).float() - noisy).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return Contender(run)

    peer = "EDSR16"
    return Case(
        f"a step of training, {kind}",
        crops.size,
        {"CS-EDSR16": step(special, classes), peer: step(plain)},
        subjects=("CS-EDSR16",),
        goals={peer: Goal(1.25)},
    )
