"""Pixels for the commands, and how one must fail."""

import os

import numpy as np

from raisr.cli import main

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (24, 31), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (24, 31, 3), dtype=np.uint8)


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
