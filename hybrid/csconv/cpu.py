"""Class-specific convolution on a CPU, for float32 and bfloat16: tiles, sorted by class.

Pixels are tuples of 32-bit words, channels last: one float32 or two bfloat16 a word. An image is
cut into bands of rows and these into tiles; the pixels of a tile are sorted by class, so that
groups of pixels share the weights of theirs. Nothing depends on the number of threads: what
several tiles add to is first added up for fixed groups of bands, then over the groups in order.
"""

import math
import threading
from collections import deque
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from hybrid.csconv.emit import has_feature
from hybrid.csconv.kernels import (
    CHUNK,
    add_groups,
    add_weight_gradient,
    convolve_tiles,
    find_input_gradient,
    gradient_kernel,
    join_bands,
    pack,
    pack_transposed,
    pixels_kernel,
    sort_tiles,
    spread_kernel,
    write_kernel,
)
from hybrid.csconv.threads import run
from raisr.blocks import aligned_empty
from raisr.kernels.micro import VECTOR
from raisr.simd import token

__all__ = ["backward", "convolve", "supports"]

_COLUMNS, _MAX_ROWS, _PIXELS = 192, 256, 96 * 96
_MAX_SIZE = 15
_BANDS, _FEW_ROWS = 8, 8  # so many bands or more, for threads to share, but none of fewer rows
_GROUP = 1 << 15
_MAX_GROUPS = 64
_MOST_SUMS = 1 << 23  # float32 values that the sums of all groups may take, 32 MB
_KEPT_PLANS = 8
_CLASSES = 12  # whose gradients one job adds up
_HAS_PAIRS = VECTOR and has_feature("avx512bf16")


# By thread and not in a threading.local, which OpenMP's threads lose between two calls. New threads
# take the idents of ended ones, so entries are never more than threads that lived at once.
_memory: dict = {}


def scratch(name, shape):
    """Return memory that this thread keeps from call to call: fresh pages are slow."""
    key, count = (threading.get_ident(), name), math.prod(shape)
    if key not in _memory or _memory[key].size < count:
        _memory[key] = aligned_empty((count,))
    return _memory[key][:count].reshape(shape)


class _Tiling(NamedTuple):
    tiles: np.ndarray  # (T, 7): image, y0, y1, x0, x1, first pixel, band
    bands: list  # first tile of each band, and the number of tiles
    groups: list  # first tile of each group of bands, and the number of tiles
    largest: tuple  # most rows and most columns of a tile


class _Plan(NamedTuple):
    tiling: _Tiling
    classes: np.ndarray
    num_classes: int
    present: np.ndarray  # (num_classes,) bool
    places: np.ndarray  # (B * H * W) uint16, tile by tile, sorted by class
    starts: np.ndarray  # (T, num_classes + 1) int64


def _cuts(length, part):
    """Return the bounds of equal parts of a length, the longest at most `part`."""
    count = -(-length // part)
    return [length * i // count for i in range(count + 1)]


@lru_cache(maxsize=16)
def _tiling(images, height, width):
    columns = _cuts(width, _COLUMNS)
    widest = max(b - a for a, b in pairwise(columns))
    shared = max(_FEW_ROWS, -(-height * images // _BANDS))
    rows = _cuts(height, min(_PIXELS // widest, _MAX_ROWS, shared))
    tiles, bands, first = [], [0], 0
    for image in range(images):
        for y0, y1 in pairwise(rows):
            for x0, x1 in pairwise(columns):
                tiles.append((image, y0, y1, x0, x1, first, len(bands) - 1))
                first += (y1 - y0) * (x1 - x0)
            bands.append(len(tiles))
    num_bands = len(bands) - 1
    num_groups = min(num_bands, max(2, min(_MAX_GROUPS, first // _GROUP)))
    groups = [bands[num_bands * g // num_groups] for g in range(num_groups + 1)]
    tallest = max(b - a for a, b in pairwise(rows))
    return _Tiling(np.array(tiles), bands, groups, (tallest, widest))


def _jobs(function, bounds):
    return [partial(function, a, b) for a, b in pairwise(bounds)]


_plans: deque = deque(maxlen=_KEPT_PLANS)  # the last used one first


def _plan(classes, num_classes):
    """Return the sorted places of a class map; those of the last few maps are kept.

    A network has a map for each of its scales, and its layers ask for them in turns.
    """
    classes = classes.contiguous().numpy()
    for plan in tuple(_plans):
        if (
            plan.num_classes == num_classes
            and plan.classes.dtype == classes.dtype
            and plan.classes.shape == classes.shape
            and np.array_equal(plan.classes, classes)
        ):
            return plan
    tiling = _tiling(*classes.shape)
    places = np.zeros(classes.size + CHUNK, np.uint16)
    starts = np.empty((len(tiling.tiles), num_classes + 1), np.int64)
    sort = partial(sort_tiles, classes, num_classes, tiling.tiles, places, starts)
    if bad := [c for c in run(_jobs(sort, tiling.bands)) if c]:
        raise ValueError(
            f"classes must be at least 0 and below num_classes = {num_classes}, got {bad[0]}"
        )
    present = np.any(starts[:, 1:] > starts[:, :-1], axis=0)
    plan = _Plan(tiling, classes.copy(), num_classes, present, places, starts)
    _plans.appendleft(plan)
    return plan


def _words(images):
    """Return images, channels last, as int32 words; a copy only where that is needed."""
    images = images.detach().permute(0, 2, 3, 1).contiguous()
    if images.data_ptr() % 4:
        images = images.clone()
    # Flat on the way: torch does not view bfloat16 as words where a side of 1 has an odd stride.
    return images.flatten().view(torch.int32).view(*images.shape[:3], -1).numpy()


def _new_images(x, channels):
    images, _, height, width = x.shape
    out = torch.empty(images, height, width, channels, dtype=x.dtype)
    return out.permute(0, 3, 1, 2)


def supports(x, weight):
    """Tell whether a convolution is for these kernels."""
    filters, channels, k = weight.shape[1:4]
    return (
        x.dtype in (torch.float32, torch.bfloat16, torch.float16)
        and filters % 8 == 0
        and channels % 8 == 0
        and k <= _MAX_SIZE
        and x.numel() > 0
    )


def _is_native(dtype):
    return dtype == torch.float32 or (dtype == torch.bfloat16 and _HAS_PAIRS)


class _Layer:
    """Sizes of a convolution, and what its kernels need for a call."""

    def __init__(self, x, weight, classes):
        self.num_classes, self.filters, self.channels, self.k, _ = weight.shape
        self.lanes = 8 if self.filters % 16 or self.channels % 16 else 16
        self.pair = 1 if x.dtype == torch.float32 else 2
        self.kind = self.lanes, self.pair - 1
        self.source, self.weight = _words(x), weight
        self.plan = _plan(classes, self.num_classes)
        self.tiling = self.plan.tiling
        self.sorted = self.tiling.tiles, self.plan.places, self.plan.starts

    def packed(self):
        """Return the weights as `convolve_tiles` takes them."""
        shape = self.filters // self.lanes, self.k**2, self.channels // self.pair, self.lanes
        return self._packed(pack, shape)

    def packed_transposed(self):
        """Return the weights as `find_input_gradient` takes them."""
        shape = self.k**2, self.channels // self.lanes, self.filters // self.pair, self.lanes
        return self._packed(pack_transposed, shape, scratch("square", (self.lanes, self.lanes)))

    def _packed(self, kernel, shape, *work):
        by_tap = self.weight.detach().float().flatten(3).contiguous().numpy()
        out = scratch("packed", (self.num_classes, *shape))
        columns = self.filters // self.lanes, self.channels, self.k**2, self.lanes
        arrays = by_tap, scratch("columns", columns), *work, out
        kernel(*map(token, self.kind), *arrays, self.plan.present)
        return out

    def staged(self, name, words):
        """Return memory for a tile with a margin; rows of words."""
        rows, columns = self.tiling.largest
        margin = 2 * (self.k // 2)
        return scratch(name, (rows + margin, (columns + margin) * words))

    def staged_source(self):
        return self.staged("source", self.source.shape[3]).view(np.int32)


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    if not _is_native(x.dtype):
        return convolve(x.float(), weight.to(x.dtype), bias, classes).to(x.dtype)
    layer = _Layer(x, weight, classes)
    packed, out = layer.packed(), _new_images(x, layer.filters)
    target = _words(out)
    if bias is None:
        bias = torch.zeros(weight.shape[:2])
    bias = bias.detach().float().contiguous().numpy()
    pixels = pixels_kernel(*layer.kind)

    def band(a, b):
        arrays = layer.source, layer.staged_source(), packed, bias, target
        convolve_tiles(pixels, layer.lanes, layer.k, *arrays, *layer.sorted, a, b)

    run(_jobs(band, layer.tiling.bands))
    return out


def backward(gradient, x, weight, classes, wants_x, wants_weight):
    """Return the gradients of x, weight and bias; those not wanted are None."""
    if not _is_native(x.dtype):
        wide, rounded = (gradient.to(x.dtype).float(), x.float()), weight.to(x.dtype).float()
        of_x, *others = backward(*wide, rounded, classes, wants_x, wants_weight)
        return of_x if of_x is None else of_x.to(x.dtype), *(
            other if other is None else other.to(weight.dtype) for other in others
        )
    layer = _Layer(x, weight, classes)
    gradient = _words(gradient.to(x.dtype))
    inputs = _InputGradient(layer, gradient, x) if wants_x else None
    weights = _WeightGradient(layer, gradient) if wants_weight else None
    wanted = [part for part in (inputs, weights) if part]
    run([job for part in wanted for job in part.jobs()])
    return inputs and inputs.result(), *(weights.result() if weights else (None, None))


class _InputGradient:
    """The input's gradient: every band of an image by itself, then what neighbours share."""

    def __init__(self, layer, gradient, x):
        self.layer, self.gradient = layer, gradient
        self.packed, self.out = layer.packed_transposed(), _new_images(x, layer.channels)
        self.target = _words(self.out)
        bands, rows = len(layer.tiling.bands) - 1, 2 * (layer.k // 2)
        self.edges = np.empty((bands, 2, rows, x.shape[3], layer.channels), np.float32)
        self.write = write_kernel(*layer.kind)
        self.kernels = spread_kernel(*layer.kind), self.write, layer.lanes

    def jobs(self):
        return _jobs(self.band, self.layer.tiling.bands)

    def band(self, a, b):
        layer = self.layer
        spread = layer.staged("spread", layer.channels)
        arrays = self.gradient, self.packed, spread, self.target, self.edges
        find_input_gradient(*self.kernels, layer.k, *arrays, *layer.sorted, a, b)

    def result(self):
        join_bands(self.write, self.edges, self.target, self.layer.tiling.tiles)
        return self.out


class _WeightGradient:
    """The gradients of weight and bias: sums over groups of bands, then over the groups."""

    def __init__(self, layer, gradient):
        self.layer, self.gradient, self.add = layer, gradient, gradient_kernel(*layer.kind)
        # Fewer groups where there are many weights: by their number alone, not by threads.
        bounds = layer.tiling.groups
        most = max(2, _MOST_SUMS // layer.weight.numel())
        step = -(-(len(bounds) - 1) // most)
        self.groups = [*bounds[:-1:step], bounds[-1]]
        self.count = len(self.groups) - 1
        shape = self.count, layer.num_classes, layer.filters
        self.sums = scratch("sums", (*shape, layer.k**2, layer.channels))
        self.bias_sums = np.zeros(shape, np.float32)
        self.seen = np.zeros(shape[:2], np.bool_)

    def jobs(self):
        return _jobs(self.group, self.groups)

    def group(self, a, b):
        layer, g = self.layer, self.groups.index(a)
        gathered = scratch("gathered", (CHUNK, layer.filters))
        arrays = layer.source, self.gradient, layer.staged_source(), gathered
        sums = self.sums[g], self.bias_sums[g], self.seen[g]
        add_weight_gradient(self.add, layer.k, *arrays, *sums, *layer.sorted, a, b)

    def result(self):
        weight = self.layer.weight
        total = np.empty((*weight.shape[:3], self.layer.k**2), np.float32)
        shares = _cuts(self.layer.num_classes, _CLASSES)
        run(_jobs(partial(add_groups, self.sums, self.seen, total), shares))
        total = torch.from_numpy(total).view(weight.shape)
        bias = torch.from_numpy(self.bias_sums.sum(axis=0))
        return total.to(weight.dtype), bias.to(weight.dtype)
