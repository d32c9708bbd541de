"""Filter banks that need no learning."""

import numpy as np

from raisr import FilterBank, HashSpec, Stage

CSCONV = HashSpec.preset("csconv")


def random_bank(*specs, size=5, seed=0):
    """One stage for each spec, with random filters near a mean filter, and biases."""
    rng = np.random.default_rng(seed)
    stages = []
    for index, spec in enumerate(specs or (CSCONV,)):
        planes = 1 if index == 0 else 2
        filters = rng.normal(1, 1, (spec.num_classes, planes, size, size)) / (planes * size**2)
        stages.append(Stage(spec, filters, rng.normal(0, 3, spec.num_classes)))
    return FilterBank(stages, {"seed": seed})


def delta_bank(*specs, size=5):
    """Filters that return the last plane: the input, or the output of the stage before."""
    stages = []
    for index, spec in enumerate(specs or (CSCONV,)):
        filters = np.zeros((spec.num_classes, 1 if index == 0 else 2, size, size))
        filters[:, -1, size // 2, size // 2] = 1
        stages.append(Stage(spec, filters, np.zeros(spec.num_classes)))
    return FilterBank(stages)
