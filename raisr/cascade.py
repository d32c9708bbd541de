"""Stages one after the other: hash, filter, hand on; block by block of rows."""

import numpy as np

from raisr.blocks import over_blocks
from raisr.hashing import class_rows
from raisr.validate import GRAY_LEVELS, GrayImage, sink_of

__all__ = ["filter_rows", "run_stages"]


def filter_rows(stage, planes, classes, y0, y1, out, data_range):
    """Filter rows `y0` to `y1` of the planes, a list of GrayImage, by class.

    Parameters
    ----------
    stage : Stage
    classes : (y1 - y0, W) uint16
        Below the stage's number of classes, as `class_rows` gives them.
    out : (H, W) array
        In the caller's dtype and unit; its rows `y0` to `y1` are written.
    data_range : float or None
        Value of white in `out`.

    Raises
    ------
    ValueError
        For arrays of other shapes, or another number of planes.
    """
    shapes = {plane.shape for plane in planes} | {out.shape}
    rows = y1 - y0 if 0 <= y0 < y1 <= out.shape[0] else 0
    if len(shapes) > 1 or len(planes) != stage.planes or classes.dtype != np.uint16:
        raise ValueError(f"{stage.planes} planes of one shape and uint16 classes are needed")
    if classes.shape != (rows, out.shape[1]) or not classes.flags.c_contiguous:
        raise ValueError(f"classes must be rows {y0} to {y1} of {out.shape}, got {classes.shape}")
    from raisr.kernels import apply as kernels
    from raisr.simd import lanes_for, token

    tokens = token(stage.size), token(stage.planes), token(lanes_for(stage.size))
    sources = tuple(plane.source for plane in planes)
    if out.dtype != np.float16:
        sink = sink_of(out, data_range)
        kernels.filter_rows(*tokens, sources, classes, stage.packed, sink, y0, y1)
        return
    rows = np.empty(classes.shape, np.float32)  # no kernel can write float16
    address, step, *rest = sink_of(rows, data_range)
    sink = (address - y0 * step, step, *rest)
    kernels.filter_rows(*tokens, sources, classes, stage.packed, sink, y0, y1)
    out[y0:y1] = rows


def run_stages(stages, channels, outs, data_range, num_threads, hashed=None, before=None):
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
    before : sequence of GrayImage, optional
        What the first stage reaches into beside the channels: a first guess.

    Notes
    -----
    Channels with a pedestal are filtered without it, in float32, and it is put back.
    """
    if any(channel.pedestal for channel in channels):
        planes = [np.empty(channel.shape, np.float32) for channel in channels]
        levelled = [channel.levelled() for channel in channels]
        run_stages(stages, levelled, planes, GRAY_LEVELS, num_threads, hashed, before)
        for channel, plane, out in zip(channels, planes, outs, strict=True):
            channel.put_back(plane, out, data_range)
        return
    previous = channels if before is None else before
    for index, stage in enumerate(stages):
        spec, guide = hashed(index, previous) if hashed else (stage.spec, previous[0])
        if spec.num_classes > stage.spec.num_classes:
            raise ValueError(f"stage {index} has no filters for {spec.num_classes} classes")
        inputs = [[c] if c is p else [c, p] for c, p in zip(channels, previous, strict=True)]
        if index == len(stages) - 1:
            _run_stage(stage, spec, guide, inputs, outs, data_range, num_threads)
        else:
            between = [np.empty(channel.shape, np.float32) for channel in channels]
            _run_stage(stage, spec, guide, inputs, between, 255, num_threads)
            previous = [GrayImage(plane) for plane in between]


def _run_stage(stage, spec, guide, inputs, outs, data_range, num_threads):
    def block(y0, y1):
        classes = np.empty((y1 - y0, guide.shape[1]), np.uint16)
        class_rows(guide, spec, y0, y1, classes)
        for planes, out in zip(inputs, outs, strict=True):
            filter_rows(stage, planes, classes, y0, y1, out, data_range)

    over_blocks(block, guide.shape, num_threads)
