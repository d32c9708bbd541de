"""Stages one after the other: hash, filter, hand on; in strips of rows."""

from functools import wraps

import numpy as np

from raisr.hashing import class_rows
from raisr.reach import hash_reach
from raisr.rolling import Rows, roll
from raisr.validate import GRAY_LEVELS, sink_of_rows

__all__ = ["add_classes", "add_stage", "add_stages", "filter_rows", "levelled", "run_stages"]


def filter_rows(stage, planes, classes, y0, y1, out, data_range):
    """Filter rows `y0` to `y1` of the planes, a list of GrayImage or Rows, by class.

    Parameters
    ----------
    stage : Stage
    classes : (y1 - y0, W) uint16
        Below the stage's number of classes, as `class_rows` gives them.
    out : (H, W) array or Rows
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
    from raisr.simd import lanes_for

    size, lanes = stage.size, lanes_for(stage.size)
    line, sources = kernels.line_kernel(size, len(planes), lanes), tuple(p.source for p in planes)
    given = line, size, lanes, sources, classes, stage.packed
    if isinstance(out, Rows):
        kernels.filter_rows(*given, out.sink, y0, y1)
        return
    with sink_of_rows(out, y0, y1, data_range) as sink:
        kernels.filter_rows(*given, sink, y0, y1)


def levelled(run):
    """Have a function of (filters, channels, outs, data_range, ...) see channels less pedestals.

    Filtered, in float32, they are put back.
    """

    @wraps(run)
    def levelled_run(filters, channels, outs, data_range, *further):
        if not any(channel.pedestal for channel in channels):
            run(filters, channels, outs, data_range, *further)
            return
        planes = [np.empty(channel.shape, np.float32) for channel in channels]
        run(filters, [channel.levelled() for channel in channels], planes, GRAY_LEVELS, *further)
        for channel, plane, out in zip(channels, planes, outs, strict=True):
            channel.put_back(plane, out, data_range)

    return levelled_run


@levelled
def run_stages(stages, channels, outs, data_range, num_threads, hashed=None, before=None):
    """Run a cascade over every channel of an image.

    Beside `outs`, some rows of float32 for each stage are in memory.

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

    def build(flow):
        add_stages(flow, stages, channels, outs, data_range, hashed, before)

    roll(build, channels[0].shape, num_threads)


def add_stages(flow, stages, channels, outs=None, data_range=None, hashed=None, before=None):
    """Add a cascade to a Flow, see `run_stages`; return the planes it gives: `outs`, or Rows."""
    previous = channels if before is None else before
    for index, stage in enumerate(stages):
        spec, guide = hashed(index, previous) if hashed else (stage.spec, previous[0])
        if spec.num_classes > stage.spec.num_classes:
            raise ValueError(f"stage {index} has no filters for {spec.num_classes} classes")
        inputs = [[c] if c is p else [c, p] for c, p in zip(channels, previous, strict=True)]
        last = index == len(stages) - 1
        results = outs if last and outs is not None else [flow.plane() for _ in channels]
        add_stage(flow, [stage] * len(channels), inputs, (spec, guide), results, data_range)
        previous = results
    return previous


def add_stage(flow, stages, inputs, guide, results, data_range=GRAY_LEVELS):
    """Add one stage for each result, all by the classes that a (spec, plane) has, to a Flow."""
    spec, hashed = guide

    def run(y0, y1):
        if spec is None:
            classes = hashed.part(y0, y1)
        else:
            classes = np.empty((y1 - y0, hashed.shape[1]), np.uint16)
            class_rows(hashed, spec, y0, y1, classes)
        for stage, planes, result in zip(stages, inputs, results, strict=True):
            filter_rows(stage, planes, classes, y0, y1, result, data_range)

    reads = [
        (plane, stage.size // 2)
        for stage, planes in zip(stages, inputs, strict=True)
        for plane in planes
    ]
    flow.add(run, [*reads, (hashed, 0 if spec is None else hash_reach(spec))], results)


def add_classes(flow, plane, spec):
    """Add the class map of a plane to a Flow; return its Rows."""
    classes = flow.plane(np.uint16)

    def run(y0, y1):
        class_rows(plane, spec, y0, y1, classes.part(y0, y1))

    flow.add(run, [(plane, hash_reach(spec))], [classes])
    return classes
