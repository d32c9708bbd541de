"""Stages one after the other: hash, filter, hand on; block by block of rows."""

import numpy as np

from raisr._blocks import over_blocks, tile
from raisr._validate import GrayImage, is_gray_levels, restore
from raisr.hashing import class_rows

__all__ = ["filter_rows", "run_stages"]


def filter_rows(stage, planes, classes, y0, y1, out):
    """Filter rows `y0` to `y1` of the planes, a list of GrayImage, by class.

    Parameters
    ----------
    stage : Stage
    classes : (y1 - y0, W) uint16
    out : (y1 - y0, W) float32, C-contiguous
        Gray levels, written in place.
    """
    from raisr._kernels import apply as kernels
    from raisr._simd import lanes_for, token

    padded = tile(planes, y0, y1, stage.size // 2)
    tokens = token(stage.size), token(stage.planes), token(lanes_for(stage.size))
    kernels.filter_rows(*tokens, padded, classes, stage.packed, out, 0, y1 - y0)


def run_stages(stages, channels, outs, data_range, num_threads, hashed=None):
    """Run a cascade over every channel of an image.

    Beside `outs`, at most two float32 planes a channel are in memory at once.

    Parameters
    ----------
    stages : sequence of Stage
    channels : sequence of GrayImage
    outs : sequence of (H, W) arrays
        Results, in the caller's dtype and unit; written in place.
    data_range : float or None
        Value of white in `outs`.
    num_threads : int
    hashed : callable, optional
        ``hashed(index, inputs) -> (spec, GrayImage)``: what stage `index` hashes, given the
        outputs of the stage before (the channels at first). Default: its own spec, and the
        first of them.
    """
    previous = channels
    for index, stage in enumerate(stages):
        spec, guide = hashed(index, previous) if hashed else (stage.spec, previous[0])
        inputs = [[c] if index == 0 else [c, p] for c, p in zip(channels, previous, strict=True)]
        if index == len(stages) - 1:
            _run_stage(stage, spec, guide, inputs, outs, data_range, num_threads)
        else:
            between = [np.empty(channel.shape, np.float32) for channel in channels]
            _run_stage(stage, spec, guide, inputs, between, 255, num_threads)
            previous = [GrayImage(plane) for plane in between]


def _run_stage(stage, spec, guide, inputs, outs, data_range, num_threads):
    def block(y0, y1):
        classes = class_rows(guide, spec, y0, y1)
        for planes, out in zip(inputs, outs, strict=True):
            rows = out[y0:y1]
            if is_gray_levels(out, data_range):
                filter_rows(stage, planes, classes, y0, y1, rows)
            else:
                levels = np.empty(classes.shape, np.float32)
                filter_rows(stage, planes, classes, y0, y1, levels)
                rows[...] = restore(levels, out.dtype, data_range)

    over_blocks(block, guide.shape, num_threads)
