"""A call of every public name, with arguments that hypothesis draws.

A call takes `draw` and returns a function of no arguments and its array arguments; the tests run
it, and want a result that is right in kind, or TypeError or ValueError.
"""

import functools
import os
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import dask.array
import numpy as np
import torch
from hypothesis import strategies as st

import hybrid
import raisr
from hybrid.networks import build
from hybrid.networks.pcn import PCN
from raisr import noise
from raisr.profiles import ProfileSpec
from tests.banks import CSCONV, random_bank
from tests.fuzz.arrays import DTYPES, LAYOUTS, images, layouts
from tests.images import scene

__all__ = ["CALLS", "Call"]


class Call(NamedTuple):
    """What is run, the arrays that it is given, and whether its first result is like the first."""

    run: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    like_image: bool = False


CALLS: dict[str, Callable[..., Call]] = {}


def _call(*names):
    def enter(function):
        for name in names:
            CALLS[name] = functools.partial(function, name) if len(names) > 1 else function
        return function

    return enter


def _of(draw, **choices):
    """Draw some of the keyword arguments; most are left out."""
    return {k: draw(st.sampled_from(v)) for k, v in choices.items() if draw(st.integers(0, 2)) == 0}


_RANGES = (1, 255, 1.0, 255.0, 65535, 20, 1e-30, 1e30, 0, -1, np.nan, np.inf, "255", True)
_AXES = (None, 0, 1, 2, -1, -3, 3, 0.5, "0")
_THREADS = (1, 2, 3, 0, -1, 1.5, None)
_NUMBERS = (0, 0.1, 1, 25, 300, 1e-30, 1e30, -1, np.nan, np.inf, "25", None, (1, 2, 3), True)
_SPECS = ("csconv", "raisr", "blade", CSCONV, raisr.HashSpec(window=3, period=2), "x", None, 3)
_ONE, _TWO = random_bank(), random_bank(CSCONV, CSCONV)
_CHROMA = random_bank(size=3)
_COLOUR = raisr.ColourBank(_ONE, (_CHROMA, _CHROMA), ("luma",))


@st.composite
def _together(draw, count):
    """Arrays of any kind or, more often, of one shape with values that fit."""
    if draw(st.integers(0, 2)) == 0:
        return [draw(images()) for _ in range(count)]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = rng.integers(0, CSCONV.num_classes, (count, 17, 19), np.uint8)
    return [layouts(array, draw(st.sampled_from(LAYOUTS))) for array in arrays]


def _usual(**more):
    return {"channel_axis": _AXES, "data_range": _RANGES, "num_threads": _THREADS, **more}


@_call("raisr.denoise")
def _denoise(draw):
    image = draw(images())
    models = ("fast", "best", "x", _ONE, _TWO, _COLOUR, None)
    noises = ("white", "photon", "camera", "mosaic", "x", raisr.PhotonNoise(1e-3), None)
    options = _of(draw, **_usual(sigma=_NUMBERS, model=models, noise=noises))
    return Call(lambda a: raisr.denoise(a, **options), (image,), like_image=True)


@_call("raisr.deblock")
def _deblock(draw):
    options = _of(draw, **_usual(quality=(None, 1, 10, 55, 100, 0, 101, 2.5), model=("best", "x")))
    return Call(lambda a: raisr.deblock(a, **options), (draw(images()),), like_image=True)


@_call("raisr.upscale")
def _upscale(draw):
    factors = (1, 1.5, 2, 3, 4, 0, -2, 1e9, np.nan, np.inf, "2", 2.7, None)
    models = ("fast", "best", "x", 3)
    options = _of(draw, **_usual(factor=factors, model=models, compressed=(True, False)))
    return Call(lambda a: raisr.upscale(a, **options), (draw(images()),))


@_call("raisr.IntelFilters")
def _intel_filters(draw):
    threads, learned = draw(st.sampled_from(_THREADS)), draw(st.integers(0, 19)) == 0

    def run(image):
        filters = raisr.IntelFilters.learn([image], num_threads=threads) if learned else _intel()
        return raisr.upscale(image, 2, model=filters, data_range=255)

    return Call(run, (draw(images()),))


@functools.cache
def _intel():
    return raisr.IntelFilters.learn([scene((48, 60))])  # takes seconds


@_call("raisr.sharpen")
def _sharpen(draw):
    options = _of(draw, **_usual(amount=(0, 0.5, 1, 2, 2.5, -1, np.nan, "1", None)))
    return Call(lambda a: raisr.sharpen(a, **options), (draw(images()),), like_image=True)


@_call("raisr.denoise_stream")
def _denoise_stream(draw):
    axes = (None, "YX", "YXS", "TYX", "CYX", "XY", "YY", "", "ab", 3)
    options = _of(draw, sigma=_NUMBERS, axes=axes, data_range=_RANGES, num_threads=_THREADS)

    def run(image):
        out = np.zeros_like(image)
        raisr.denoise_stream(image, out, **options)
        return out

    return Call(run, (draw(images()),))


@_call("raisr.denoise_dask")
def _denoise_dask(draw):
    axes = (None, "YX", "YXS", "TYX", "CYX", "XY", "YY", "", "ab", 3)
    options = _of(draw, sigma=_NUMBERS, axes=axes, data_range=_RANGES)
    side = draw(st.integers(1, 50))

    def run(image):
        array = dask.array.from_array(image, chunks=side)
        return raisr.denoise_dask(array, **options).compute(scheduler="synchronous")

    return Call(run, (draw(images()),))


@_call("raisr.learn_upscaling", "raisr.UpscalingBank")
def _learn_upscaling(name, draw):
    options = _of(draw, factor=(2, 3, 4, 1.5, 0, -1, "2"), data_range=_RANGES, num_threads=_THREADS)
    recipe = [(ProfileSpec(directions=8), 3, 0)]

    def run(image):
        bank = raisr.learn_upscaling([image], recipe=recipe, **options)
        if name == "raisr.UpscalingBank":
            raisr.upscale(image, bank.factor, model=bank, data_range=255)

    return Call(run, (draw(images()),))


@_call("raisr.list_models", "raisr.ShippedModel")
def _list_models(name, draw):
    return Call(lambda: [repr(model) for model in raisr.list_models()], ())


@_call("raisr.export_c")
def _export_c(draw):
    banks, names = (_ONE, _TWO, _COLOUR, None, "x"), ("a.h", "a", "1.h", "", "\0.h", "a b.h")
    bank, name = draw(st.sampled_from(banks)), draw(st.sampled_from(names))

    def run():
        with tempfile.TemporaryDirectory() as folder:
            raisr.export_c(bank, os.path.join(folder, name))

    return Call(run, ())


@_call("raisr.estimate_sigma", "raisr.estimate_noise", "raisr.estimate_jpeg_quality")
def _estimate(name, draw):
    kinds = {"channel_axis": _AXES}
    if name != "raisr.estimate_sigma":
        kinds["data_range"] = _RANGES
    options = _of(draw, **kinds)
    function = getattr(raisr, name.split(".")[1])
    return Call(lambda a: function(a, **options), (draw(images()),))


@_call("raisr.hash_image", "raisr.gradient_statistics")
def _hash(name, draw):
    options = _of(draw, spec=_SPECS, data_range=_RANGES, num_threads=_THREADS)
    function = getattr(raisr, name.split(".")[1])
    return Call(lambda a: function(a, **options), (draw(images()),))


@_call("raisr.learn_filters")
def _learn(draw):
    first, second = draw(_together(2))
    sizes = (1, 3, 5, 2, 0, -1, 17, 1.5)
    more = {"size": sizes, "stages": (1, 2, 0), "edges": ("fixed", "x"), "symmetric": (False,)}
    more |= {"ridge": (0, 1e-3, -1, np.nan), "min_samples": (0, 5, -1), "spec": _SPECS}
    more |= {"factor": (1, 2, 5, -1, "2", None)}
    options = _of(draw, **_usual(**more))
    return Call(lambda *pair: raisr.learn_filters([pair], **options), (first, second))


@_call("raisr.FilterBank")
def _bank(draw):
    image, guide = draw(images()), draw(images())
    options = _of(draw, data_range=_RANGES, num_threads=_THREADS)
    bank = draw(st.sampled_from([_ONE, _TWO]))
    if draw(st.booleans()):
        return Call(lambda a, g: bank.apply(a, g, **options), (image, guide), like_image=True)
    return Call(lambda a: bank.apply(a, **options), (image,), like_image=True)


@_call("raisr.ColourBank")
def _colour_bank(draw):
    options = _of(draw, **_usual())
    return Call(lambda a: _COLOUR.apply(a, **options), (draw(images()),), like_image=True)


@_call("raisr.Stage")
def _stage(draw):
    spec = draw(st.sampled_from(_SPECS))
    array = st.one_of(images(), st.just(_ONE.stages[0].filters), st.just(_ONE.stages[0].bias))
    return Call(lambda f, b: raisr.Stage(spec, f, b).packed, (draw(array), draw(array)))


@_call("raisr.HashSpec")
def _spec(draw):
    counts = (1, 2, 3, 9, 31, 33, 0, -1, 2**62, 10**30, 2.0, None, "9", True)
    edges = ((), (0.1,), (0.1, 0.2), (0.2, 0.1), (np.nan,), (1e308,), (0,), "ab", None, 3)
    fields = {
        **dict.fromkeys(("window", "orientations", "period"), counts),
        **dict.fromkeys(("gaussian_sigma", "strength_scale", "presmooth"), _NUMBERS),
        **dict.fromkeys(("strength_edges", "coherence_edges"), edges),
        "weighting": ("box", "gaussian", "x", None),
        "strength": ("sqrt", "eigenvalue", "x"),
        "index_order": (("strength", "coherence", "orientation"), ("strength",), 3, "abc"),
    }
    options = _of(draw, **fields)

    def run(image):
        spec = raisr.HashSpec(**options)
        assert raisr.HashSpec.from_dict(spec.to_dict()) == spec
        classes = raisr.hash_image(image, spec, data_range=255)
        assert classes.max() < spec.num_classes

    return Call(run, (draw(images(dims=(2,), dtypes=("uint8",))),))


@_call("raisr.NormalEquations")
def _equations(draw):
    planes, target, classes = draw(_together(3))
    size = draw(st.sampled_from([1, 3, 2, 0, 99]))
    threads = draw(st.sampled_from(_THREADS))

    def run(plane, target, classes):
        equations = raisr.NormalEquations("csconv", 1, size)
        equations.add([plane], target, classes, threads)
        return equations.solve()

    return Call(run, (planes, target, classes))


@_call("raisr.GradientStatistics")
def _statistics(draw):
    def run(image):
        statistics = raisr.GradientStatistics(*raisr.gradient_statistics(image))
        assert np.isfinite(np.stack(statistics)).all()

    return Call(run, (draw(images()),))


@_call("raisr.NoiseEstimate")
def _noise_estimate(draw):
    def run(image):
        found = raisr.estimate_noise(image)
        return found.kind, found.is_white, found.equivalent, found.photons, found.plane_levels()

    return Call(run, (draw(images()),))


@_call("raisr.PhotonNoise")
def _photon_noise(draw):
    options = {"gain": 0.01, **_of(draw, gain=_NUMBERS, sigma=_NUMBERS, offset=_NUMBERS)}
    image = draw(images(dtypes=DTYPES))
    return Call(
        lambda a: raisr.denoise(a, noise=raisr.PhotonNoise(**options)), (image,), like_image=True
    )


@_call("raisr.noise")
def _noise(draw):
    image, seed = draw(images()), draw(st.sampled_from([0, 1, (1, 2), -1, 0.5, "x"]))
    level = draw(st.sampled_from(_NUMBERS))
    function = draw(
        st.sampled_from(
            [noise.add_gaussian_noise, noise.add_poisson_gaussian_noise, noise.add_camera_noise]
        )
    )
    return Call(lambda a: function(a, level, seed), (image,))


# Networks: tiny ones, with weights of their own.


@functools.cache
def _networks():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    plain = build("edsr", features=2, blocks=1)
    special = build("edsr", features=2, blocks=1, num_classes=72)
    whole = build("unet", features=2, blocks=[1, 1, 1])
    classifier = hybrid.HashClassifier("csconv")
    from hybrid.behaviour import Behaviour

    return {
        "hybrid.NetworkDenoiser": hybrid.NetworkDenoiser(plain),
        "hybrid.ClassSpecificDenoiser": hybrid.ClassSpecificDenoiser(special, classifier),
        "hybrid.HybridDenoiser": hybrid.HybridDenoiser(whole, Behaviour(sigma=75.0, sigma_min=0.0)),
    }


@_call("hybrid.NetworkDenoiser", "hybrid.ClassSpecificDenoiser", "hybrid.HybridDenoiser")
def _denoiser(name, draw):
    tiles = (None, 1, 8, 0, -1, 2.5)
    options = _of(draw, sigma=_NUMBERS, channel_axis=_AXES, data_range=_RANGES, tile=tiles)
    options |= _of(draw, ensemble=(2, 8, 0, 3, 2.5, None))
    denoiser = _networks()[name]
    if draw(st.integers(0, 3)) == 0:
        images_ = draw(images()), draw(images())
        return Call(lambda a, g: denoiser.denoise(a, guide=g, **options), images_, like_image=True)
    return Call(lambda a: denoiser.denoise(a, **options), (draw(images()),), like_image=True)


@_call("hybrid.denoise")
def _hybrid_denoise(draw):
    options = {"model": "small"}
    options |= _of(
        draw, sigma=_NUMBERS, channel_axis=_AXES, data_range=_RANGES, model=("x", "finest")
    )
    options |= _of(draw, precision=("auto", "float32", "bfloat16", "half", None))
    return Call(lambda a: hybrid.denoise(a, **options), (draw(images()),), like_image=True)


@_call("hybrid.HashClassifier", "hybrid.DenoisedClassifier", "hybrid.PCNClassifier")
def _classifier(name, draw):
    spec = draw(st.sampled_from(_SPECS))
    image = draw(images(dims=(4,), dtypes=("float32",)))

    def run(image):
        first = [PCN()] if name == "hybrid.PCNClassifier" else []
        classifier = getattr(hybrid, name.split(".")[1])(*first, spec)
        classes = classifier(torch.from_numpy(np.array(image)))
        assert classes.max() < classifier.spec.num_classes

    return Call(run, (image,))


@_call("hybrid.PCN")
def _pcn(draw):
    array = draw(images(dims=(4,), dtypes=DTYPES))
    return Call(lambda a: _steady(PCN())(torch.from_numpy(np.array(a))), (array,))


def _steady(module):
    """Give a module weights that are no other ones in the next call."""
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    return module


@_call("hybrid.cs_conv2d", "hybrid.CSConv2d")
def _convolution(name, draw):
    batch, side, channels, count = (
        draw(st.sampled_from(v)) for v in ((1, 2), (1, 5), (1, 8), (1, 3))
    )
    floats = (torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int32)
    whole = (torch.uint8, torch.int64, torch.uint16, torch.int8, torch.bool, torch.float32)
    size = draw(st.sampled_from([1, 3, 5, 2, 0]))
    classes = torch.full((batch, side, side), draw(st.sampled_from([0, count - 1, count, -1, 255])))
    classes = classes.to(draw(st.sampled_from(whole)))
    x = torch.ones(batch, draw(st.sampled_from([channels, 2])), side, side)
    x = x.to(draw(st.sampled_from(floats)))
    if draw(st.booleans()):
        x = x.transpose(2, 3).flip(3)

    def run():
        if name == "hybrid.CSConv2d":
            return _steady(hybrid.CSConv2d(channels, 8, size, count))(x, classes)
        weight = torch.ones(count, 8, channels, size, size)
        out = hybrid.cs_conv2d(x, weight, None, classes)
        assert out.shape == (batch, 8, side, side)
        return out

    return Call(run, ())


@_call("hybrid.export")
def _export(draw):
    names = ("a", "a.pt", "", "\0", 3, None)  # those of ONNX take seconds, and tests of their own
    network = draw(st.sampled_from([*_networks().values(), None, "unet_small", 3]))
    name = draw(st.sampled_from(names))
    return Call(lambda: hybrid.export(network, name), ())


@_call("hybrid.load")
def _load(draw):
    name = draw(st.sampled_from(["unet_small", "x", "", "/", "\0", "unet_small.safetensors"]))
    return Call(lambda: hybrid.load(name), ())


@_call("hybrid.list_weights")
def _list(draw):
    return Call(hybrid.list_weights, ())
