"""The shipped weights give the committed numbers again."""

from functools import cache

import pytest

from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import protocol_named
from comparisons.measure.store import COMMITTED
from comparisons.quality import KIND
from comparisons.table3 import KIND as STATISTICS
from comparisons.table3 import Predictor
from hybrid import zoo
from raisr.datasets import load_dataset
from raisr.noise import noise_seed
from raisr.provenance import read_json


@cache
def results():
    """Committed results by the name of the weights that they were measured with."""
    found = {}
    for path in sorted(COMMITTED.glob("*/*/*/*.json")):
        result = read_json(path)
        if result["metadata"].get("kind") not in (KIND, STATISTICS):
            continue
        if weights := result["metadata"].get("weights"):
            found.setdefault(weights, []).append(result)
    return found


def size(pair):
    """Pixels of the image of a (metadata, record)."""
    return pair[1]["height"] * pair[1]["width"]


OF_KNOWN_NOISE = [e.name for e in zoo.list_weights() if e.provenance.get("noisy") is None]
"""Weights that results of single images were measured with; others have a golden output."""


def measure(metadata, sample):
    protocol, sigma = protocol_named(metadata["protocol"]), metadata["sigma"]
    if metadata["kind"] == STATISTICS:
        return Predictor.load(protocol, sigma).errors(sample, metadata["shave"])
    denoiser = METHODS[metadata["method"]].build(protocol, sigma)
    psnr, ssim = protocol.score(denoiser.run(sample), sample.clean)
    return {"psnr": psnr, "ssim": ssim}


@pytest.mark.data
@pytest.mark.parametrize("name", OF_KNOWN_NOISE)
def test_shipped_weights_give_the_committed_numbers(name):
    records = [(r["metadata"], record) for r in results().get(name, ()) for record in r["images"]]
    assert records, "no committed result was measured with it"
    metadata, record = min(records, key=size)
    dataset, sigma = load_dataset(metadata["dataset"]), metadata["sigma"]
    image = next(image for image in dataset if image.name == record["image"])
    seed = noise_seed(dataset.folder, image.name, sigma, record["seed"])
    sample = protocol_named(metadata["protocol"]).prepare(image.read(), sigma, seed)
    for key, value in measure(metadata, sample).items():
        tolerance = 0.01 if key == "psnr" else 1e-3
        assert value == pytest.approx(record[key], abs=tolerance), (image.name, key)
