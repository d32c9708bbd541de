"""Pixels for the commands, and how one must fail."""

import os

import numpy as np
from skimage import data

from raisr.cli import main
from raisr.io import write_image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (24, 31), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (24, 31, 3), dtype=np.uint8)
PART = data.astronaut()[:200, 100:300]


def saved(path, image):
    """Write an image in 8 bits; return its name."""
    write_image(path, np.rint(image).clip(0, 255).astype(np.uint8))
    return str(path)


def fails(capsys, message, *arguments, status=2):
    """Run a command that must fail with one line on stderr, nothing else."""
    assert main([str(a) for a in arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("raisr: ")
    assert err.count("\n") == 1
    assert message in err, err


def buffered():
    """The environment of a shell that does not ask for output without a buffer."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
