"""Every public function, with arguments of any shape, type, layout and value."""

import dataclasses
import os
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hybrid
import raisr
from tests.fuzz.arrays import DTYPES
from tests.fuzz.calls import CALLS

PUBLIC = [f"{package.__name__}.{name}" for package in (raisr, hybrid) for name in package.__all__]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
REFUSED = (TypeError, ValueError)
ALSO = {
    "hybrid.load": FileNotFoundError,
    "raisr.upscale": FileNotFoundError,
    "hybrid.PCN": RuntimeError,  # a module of torch, which says itself what it does not take
    "hybrid.PCNClassifier": RuntimeError,
}


def test_every_public_name_has_a_call():
    assert sorted(CALLS) == sorted(PUBLIC)


def outcome(name, call, arrays):
    """The result, or the kind of the error; a hang, a crash or any other error fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)  # what does not fit white is said
        return attempt(name, call, arrays)


def attempt(name, call, arrays):
    """The result, or the kind of the error."""
    try:
        return call.run(*arrays)
    except (*REFUSED, ALSO.get(name, TypeError)) as error:
        return type(error)


def same(first, second):
    """Arrays and tensors have the same bits, and so have those that tuples and records hold."""
    assert type(first) is type(second)
    if isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
    elif isinstance(first, torch.Tensor):
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
    elif isinstance(first, float):
        assert first == second or np.isnan([first, second]).all()
    elif isinstance(first, tuple | list):
        for a, b in zip(first, second, strict=True):
            same(a, b)
    elif isinstance(first, raisr.NoiseEstimate):
        same(*(dataclasses.astuple(each) for each in (first, second)))


def check(name, call):
    """Nothing is changed, layouts do not matter, and results are of the kind of the image."""
    copies = [np.array(array) for array in call.arrays]
    found = outcome(name, call, call.arrays)
    for array, copy in zip(call.arrays, copies, strict=True):
        assert array.tobytes() == copy.tobytes()
    same(found, outcome(name, call, copies))
    refused = isinstance(found, type)
    for array in call.arrays:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            assert refused or not call.like_image
    if call.like_image and not refused:
        image = call.arrays[0]
        assert image.dtype.name in DTYPES
        assert (found.shape, found.dtype) == (image.shape, image.dtype.newbyteorder("="))
        ordinary = image.dtype.kind == "u" or np.abs(image).max(initial=0) < 1e4
        assert not ordinary or np.isfinite(found).all()


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_arguments_of_any_kind(name, data):
    check(name, CALLS[name](data.draw))
