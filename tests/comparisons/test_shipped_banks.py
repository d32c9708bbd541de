"""What the shipped banks must reach on real images, sigma 25, protocol `standard`."""

import numpy as np
import pytest

from comparisons.measure.evaluate import denoising_measure, evaluate
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from raisr.datasets import load_dataset


@pytest.mark.data
@pytest.mark.parametrize(
    ("method", "name", "least"),
    [
        ("raisr_fast", "bsd68", 28.04),  # what a first version of one stage reached
        ("raisr_fast", "set12", 28.77),
        ("raisr_best", "bsd68", 28.57),  # BM3D, as the literature it
        ("raisr_best", "set12", 29.08),  # what a first cascade reached
        ("raisr_n", "bsd68", 27.59),
        ("raisr_n", "set12", 28.26),
    ],
)
def test_psnr(method, name, least, tmp_path):
    protocol = PROTOCOLS["standard"]
    denoiser = METHODS[method].build(protocol, 25.0)
    measure = denoising_measure(method, denoiser, protocol)
    records = evaluate(load_dataset(name), [measure], protocol, 25.0, cache_dir=tmp_path)
    assert np.mean([record["psnr"] for record in records[method]]) >= least
