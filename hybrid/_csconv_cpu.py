"""Class-specific convolution on a CPU, for float32 and bfloat16: tiles, sorted by class.

Pixels are tuples of 32-bit words, channels last: one float32 or two bfloat16 a word. An image is
cut into bands of rows and these into tiles; the pixels of a tile are sorted by class, so that
groups of pixels share the weights of theirs. Nothing depends on the number of threads: what
several tiles add to is first added up for fixed groups of bands, then over the groups in order.
"""

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from llvmlite.binding import get_host_cpu_features

from hybrid._csconv_simd import (
    FILTERS,
    ask,
    copy,
    forward,
    gather,
    input_gradient,
    join,
    narrow,
    transpose,
    weight_gradient,
)
from raisr._blocks import aligned_empty
from raisr._kernels import kernel
from raisr._simd import token

__all__ = ["backward", "convolve", "supports"]

_COLUMNS, _MAX_ROWS, _PIXELS = 192, 256, 96 * 96
_CHUNK = 64
_MAX_SIZE = 15
_GROUP = 1 << 15
_MAX_GROUPS = 64
_HAS_PAIRS = get_host_cpu_features().get("avx512bf16", False)
_ONE, _TWO, _THREE, _FOUR, _EIGHT = token(1), token(2), token(3), token(4), token(8)


_memory = threading.local()


def scratch(name, shape):
    """Return memory that this thread keeps from call to call: fresh pages are slow."""
    count, kept = math.prod(shape), _memory.__dict__
    if name not in kept or kept[name].size < count:
        kept[name] = aligned_empty((count,))
    return kept[name][:count].reshape(shape)


class _Tiling(NamedTuple):
    tiles: np.ndarray  # (T, 7): image, y0, y1, x0, x1, first pixel, band
    bands: list  # first tile of each band, and the number of tiles
    groups: list  # first tile of each group of bands, and the number of tiles
    largest: tuple  # most rows and most columns of a tile

    def staged(self, name, margin, words):
        """Return memory for a tile with a margin."""
        rows, columns = self.largest
        return scratch(name, (rows + 2 * margin, (columns + 2 * margin) * words))


class _Plan(NamedTuple):
    tiling: _Tiling
    classes: torch.Tensor
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
    rows = _cuts(height, min(_PIXELS // widest, _MAX_ROWS))
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


@kernel
def _sort(classes, num_classes, tiles, places, starts, t0, t1):
    """Sort the pixels of tiles by class; return a class out of range, or 0."""
    counts = np.empty(num_classes, np.int64)
    for t in range(t0, t1):
        image, y0, y1, x0, x1, first, _ = tiles[t]
        counts[:] = 0
        for y in range(y0, y1):
            line = classes[image, y, x0:x1]
            for x in range(x1 - x0):
                c = np.int64(line[x])
                if c < 0 or c >= num_classes:
                    return c
                counts[c] += 1
        for c in range(num_classes):
            starts[t, c] = first
            first += counts[c]
            counts[c] = starts[t, c]
        starts[t, num_classes] = first
        for y in range(y0, y1):
            line = classes[image, y, x0:x1]
            for x in range(x1 - x0):
                c = np.int64(line[x])
                places[counts[c]] = np.uint16(256 * (y - y0) + x)
                counts[c] += 1
    return np.int64(0)


@kernel
def _stage(source, image, y0, y1, x0, x1, margin, tile):
    """Copy a tile with a margin, zero outside the image; rows of words."""
    height, width, words = source.shape[1:]
    a, b = max(0, x0 - margin), min(width, x1 + margin)
    left, right = (a - x0 + margin) * words, (b - x0 + margin) * words
    end = (x1 - x0 + 2 * margin) * words
    for i in range(y1 - y0 + 2 * margin):
        y = y0 - margin + i
        row = tile[i]
        if y < 0 or y >= height:
            row[:end] = 0
            continue
        row[:left] = 0
        line, place = _address(source[image, y, a:b]), _address(row[left:right])
        copy(line, place, np.int64(4 * (right - left)))
        row[right:end] = 0


@kernel
def _address(array):
    return np.int64(array.ctypes.data)


@kernel
def _by_tap(lanes, weight, out):
    """Turn (C_out, C_in, taps) weights to (C_out / lanes, C_in, taps, lanes)."""
    width, length = len(lanes), weight.shape[1] * weight.shape[2]
    for block in range(out.shape[0]):
        for j in range(0, length, width):
            source = _address(weight) + 4 * (block * width * length + j)
            target = _address(out) + 4 * width * (block * length + j)
            transpose(lanes, source, np.int64(4 * length), target, np.int64(4 * width))


@kernel
def _pack(lanes, paired, weight, columns, out, present, c0, c1):
    """Lay out weights for `forward`, (classes, C_out / lanes, taps, words, lanes)."""
    width, pair = len(lanes), 1 + len(paired)
    for c in range(c0, c1):
        if not present[c]:
            continue
        _by_tap(lanes, weight[c], columns)
        for block in range(out.shape[1]):
            for t in range(out.shape[2]):
                for word in range(out.shape[3]):
                    source = columns[block, pair * word, t]
                    target = _address(out[c, block, t, word])
                    if pair == 1:
                        copy(_address(source), target, np.int64(4 * width))
                    else:
                        other = columns[block, pair * word + 1, t]
                        join(lanes, _address(source), _address(other), target)


@kernel
def _pack_transposed(lanes, paired, weight, columns, square, out, present, c0, c1):
    """Lay out weights for `input_gradient`, (classes, taps, C_in / lanes, words, lanes)."""
    width, pair = len(lanes), 1 + len(paired)
    words = width // pair
    for c in range(c0, c1):
        if not present[c]:
            continue
        _by_tap(lanes, weight[c], columns)
        for block in range(columns.shape[0]):
            for t in range(out.shape[1]):
                for i in range(out.shape[2]):
                    source = _address(columns[block, i * width, t])
                    row = np.int64(columns.strides[1])
                    transpose(lanes, source, row, _address(square), np.int64(4 * width))
                    for word in range(words):
                        target = _address(out[c, t, i, block * words + word])
                        if pair == 1:
                            copy(_address(square[word]), target, np.int64(4 * width))
                        else:
                            low, high = _address(square[2 * word]), _address(square[2 * word + 1])
                            join(lanes, low, high, target)


@kernel
def _convolve(lanes, paired, k, source, tile, weights, bias, out, tiles, places, starts, t0, t1):
    """Convolve tiles."""
    margin, width = k // 2, len(lanes)
    words, out_words = source.shape[3], out.shape[3]
    blocks = bias.shape[1] // width
    taps = (_address(tile), np.int64(tile.strides[0]), np.int64(4 * words))
    size = (np.int64(k), np.int64(k * words))
    panel = np.int64(4 * k * k * words * width)
    out_row, out_step = np.int64(out.strides[1]), np.int64(out.strides[2])
    step = np.int64(4 * out_words // blocks)
    for t in range(t0, t1):
        image, y0, y1, x0, x1, _, _ = tiles[t]
        _stage(source, image, y0, y1, x0, x1, margin, tile)
        corner = _address(out) + image * out.strides[0] + y0 * out_row + x0 * out_step
        for c in range(bias.shape[0]):
            if starts[t, c] == starts[t, c + 1]:
                continue
            for block in range(blocks):
                place = _address(places) + 2 * starts[t, c]
                end = _address(places) + 2 * starts[t, c + 1]
                weight = _address(weights) + (c * blocks + block) * panel
                offset = _address(bias) + 4 * width * (c * blocks + block)
                target = (corner + block * step, out_row, out_step)
                while place + 16 <= end:
                    forward(_EIGHT, lanes, paired, taps, size, place, weight, offset, target)
                    place += 16
                if place + 8 <= end:
                    forward(_FOUR, lanes, paired, taps, size, place, weight, offset, target)
                    place += 8
                if place + 4 <= end:
                    forward(_TWO, lanes, paired, taps, size, place, weight, offset, target)
                    place += 4
                if place < end:
                    forward(_ONE, lanes, paired, taps, size, place, weight, offset, target)


@kernel
def _write(lanes, paired, values, out):
    """Write float32 values as words: themselves, or pairs of bfloat16."""
    if len(paired) == 0:
        copy(_address(values), _address(out), np.int64(4 * values.size))
    else:
        for i in range(0, values.size, len(lanes)):
            narrow(lanes, _address(values) + 4 * i, _address(out) + 2 * i)


@kernel
def _spread(vectors, lanes, paired, gradients, size, place, end, weights, weight_row, target):
    """Add what pixels of one class contribute to some channels of the rows of taps."""
    args = weights, weight_row, target
    while place + 8 <= end:
        input_gradient(_FOUR, vectors, lanes, paired, gradients, size, place, *args)
        place += 8
    if place + 4 <= end:
        input_gradient(_TWO, vectors, lanes, paired, gradients, size, place, *args)
        place += 4
    if place < end:
        input_gradient(_ONE, vectors, lanes, paired, gradients, size, place, *args)


@kernel
def _input_gradient(
    lanes, paired, k, gradient, weights, spread, out, edges, tiles, places, starts, t0, t1
):
    """Find the gradient of the input in the tiles of a band."""
    margin, width = k // 2, len(lanes)
    channels = edges.shape[4]
    vectors = k * channels // width
    size = (np.int64(k), np.int64(gradient.shape[3]))
    y_row, y_step = np.int64(gradient.strides[1]), np.int64(gradient.strides[2])
    row, step = np.int64(spread.strides[0]), np.int64(4 * channels)
    panel = 4 * width * size[1]
    spread[:] = 0
    for t in range(t0, t1):
        image, y0, _, x0, _, _, _ = tiles[t]
        source = _address(gradient) + image * gradient.strides[0] + y0 * y_row + x0 * y_step
        source = (np.int64(source), y_row, y_step)
        for c in range(starts.shape[1] - 1):
            for first in range(starts[t, c], starts[t, c + 1], _CHUNK):
                end = min(first + _CHUNK, starts[t, c + 1])
                place, end = _address(places) + 2 * first, _address(places) + 2 * end
                ask(source, end, np.int64(_CHUNK))
                v = 0
                while v < vectors:
                    weight = _address(weights) + (c * k * vectors + v) * panel
                    target = (_address(spread) + 4 * width * v, row, step)
                    args = lanes, paired, source, size, place, end, weight, vectors * panel, target
                    if v + 3 <= vectors:
                        _spread(_THREE, *args)
                        v += 3
                    else:
                        _spread(_ONE, *args)
                        v += 1
        _flush(lanes, paired, spread, out, edges, tiles[t], margin, channels)


@kernel
def _weight_gradient(
    lanes,
    paired,
    k,
    source,
    gradient,
    tile,
    gathered,
    sums,
    bias_sums,
    seen,
    tiles,
    places,
    starts,
    t0,
    t1,
):
    """Add up the gradients of weights and biases over the tiles of a group."""
    margin, width = k // 2, len(lanes)
    words, (filters, _, channels) = source.shape[3], sums.shape[1:]
    vectors, size = k * channels // width, np.int64(4 * k * k * channels)
    y_row, y_step = np.int64(gradient.strides[1]), np.int64(gradient.strides[2])
    row, step = np.int64(tile.strides[0]), np.int64(4 * words)
    joined, vector_bytes = np.int64(4 * filters), step * width // channels
    for t in range(t0, t1):
        image, y0, y1, x0, x1, _, _ = tiles[t]
        _stage(source, image, y0, y1, x0, x1, margin, tile)
        corner = _address(gradient) + image * gradient.strides[0] + y0 * y_row + x0 * y_step
        for c in range(seen.size):
            if starts[t, c] < starts[t, c + 1] and not seen[c]:
                seen[c] = True
                sums[c] = 0
            for first in range(starts[t, c], starts[t, c + 1], _CHUNK):
                count = min(_CHUNK, starts[t, c + 1] - first)
                place = _address(places) + 2 * first
                ask((np.int64(corner), y_row, y_step), place + 2 * count, np.int64(_CHUNK))
                for f in range(0, filters, width):
                    part = (np.int64(corner + f * y_step // filters), y_row, y_step)
                    out, total = _address(gathered) + 4 * f, _address(bias_sums[c]) + 4 * f
                    gather(lanes, paired, part, place, count, out, joined, total)
                for f in range(0, filters, FILTERS):
                    pixels = place, count, _address(gathered) + 4 * f, joined
                    for r in range(k):
                        v = 0
                        while v < vectors:
                            part = (_address(tile) + r * row + v * vector_bytes, row, step)
                            out = _address(sums[c, f]) + 4 * (r * vectors + v) * width
                            if v + 3 <= vectors:
                                weight_gradient(_THREE, lanes, paired, part, *pixels, out, size)
                                v += 3
                            else:
                                weight_gradient(_ONE, lanes, paired, part, *pixels, out, size)
                                v += 1


@kernel
def _flush(lanes, paired, spread, out, edges, tile, margin, channels):
    """Write a finished tile of the input's gradient; keep what the next tile adds to."""
    image, y0, y1, x0, x1, _, band = tile
    height, width = out.shape[1], out.shape[2]
    a, b = max(0, x0 - margin), width if x1 == width else x1 - margin
    left, right = (a - x0 + margin) * channels, (b - x0 + margin) * channels
    rows, keep = y1 - y0, 2 * margin * channels
    columns = (x1 - x0) * channels
    for i in range(rows + 2 * margin):
        y = y0 - margin + i
        line = spread[i]
        done = line[left:right]
        if 0 <= y < height:
            if y0 > 0 and i < 2 * margin:
                _write(lanes, (), done, edges[band, 0, i, a:b])
            elif y1 < height and i >= rows:
                _write(lanes, (), done, edges[band, 1, i - rows, a:b])
            else:
                _write(lanes, paired, done, out[image, y, a:b].reshape(-1))
        for j in range(keep):
            line[j] = line[columns + j]
        line[keep : keep + columns] = 0


@kernel
def _join(lanes, paired, edges, out, image, y0, band, margin):
    """Write the rows to which a band and the one above it both contribute."""
    for i in range(2 * margin):
        y = y0 - margin + i
        total = (edges[band - 1, 1, i] + edges[band, 0, i]).reshape(-1)
        _write(lanes, paired, total, out[image, y].reshape(-1))


@kernel
def _total(sums, seen, out, c0, c1):
    """Add up the gradients of classes over groups; taps become the last axis."""
    filters, taps, channels = sums.shape[2:]
    total = np.empty((taps, channels), np.float32)
    for c in range(c0, c1):
        for f in range(filters):
            total[:] = 0
            for g in range(sums.shape[0]):
                if seen[g, c]:
                    for t in range(taps):
                        for i in range(channels):
                            total[t, i] += sums[g, c, f, t, i]
            for i in range(channels):
                for t in range(taps):
                    out[c, f, i, t] = total[t, i]


@lru_cache(maxsize=4)
def _pool(num_threads):
    return ThreadPoolExecutor(num_threads, thread_name_prefix="csconv")


os.register_at_fork(after_in_child=_pool.cache_clear)


def _run(function, cuts):
    """Call ``function(a, b)`` for neighbouring cuts, in torch's number of threads."""
    jobs = iter(list(pairwise(cuts)))

    def work():
        # `next` is atomic, so that every job is done once.
        return [function(a, b) for a, b in jobs]

    helpers = min(torch.get_num_threads(), len(cuts) - 1) - 1
    others = [_pool(helpers).submit(work) for _ in range(helpers)] if helpers > 0 else []
    results = work()
    for other in others:
        results += other.result()
    return results


_last_plan: _Plan | None = None


def _plan(classes, num_classes):
    """Return the sorted places of a class map; those of the last map are kept."""
    global _last_plan
    plan = _last_plan
    if (
        plan is not None
        and plan.num_classes == num_classes
        and plan.classes.dtype == classes.dtype
        and torch.equal(plan.classes, classes)
    ):
        return plan
    tiling = _tiling(*classes.shape)
    places = np.zeros(classes.numel() + _CHUNK, np.uint16)
    starts = np.empty((len(tiling.tiles), num_classes + 1), np.int64)
    array = classes.contiguous().numpy()

    def sort(a, b):
        return _sort(array, num_classes, tiling.tiles, places, starts, a, b)

    if bad := [c for c in _run(sort, tiling.bands) if c]:
        raise ValueError(
            f"classes must be at least 0 and below num_classes = {num_classes}, got {bad[0]}"
        )
    present = np.any(starts[:, 1:] > starts[:, :-1], axis=0)
    _last_plan = _Plan(tiling, classes.clone(), num_classes, present, places, starts)
    return _last_plan


def _words(images):
    """Return images, channels last, as int32 words; a copy only where that is needed."""
    images = images.permute(0, 2, 3, 1).contiguous()
    if images.data_ptr() % 4:
        images = images.clone()
    return images.view(torch.int32).numpy()


def _new_images(x, channels):
    images, _, height, width = x.shape
    out = torch.empty(images, height, width, channels, dtype=x.dtype)
    return out.permute(0, 3, 1, 2)


def _shape(x, weight):
    """Return how weights are packed: vector length, and elements of a word."""
    narrow = weight.shape[1] % 16 or weight.shape[2] % 16
    return 8 if narrow else 16, 1 if x.dtype == torch.float32 else 2


def supports(x, weight):
    """Tell whether a convolution is for these kernels."""
    filters, channels, k = weight.shape[1:4]
    known = x.dtype == torch.float32 or (x.dtype == torch.bfloat16 and _HAS_PAIRS)
    return known and filters % 8 == 0 and channels % 8 == 0 and k <= _MAX_SIZE and x.numel() > 0


def _packed(weight, plan, lanes, pair, transposed):
    num_classes, filters, channels, k, _ = weight.shape
    weight = weight.detach().float().contiguous().view(num_classes, filters, channels, k * k)
    weight, tokens = weight.numpy(), (token(lanes), token(pair - 1))
    columns = filters // lanes, channels, k * k, lanes
    if transposed:
        shape = num_classes, k * k, channels // lanes, filters // pair, lanes
    else:
        shape = num_classes, filters // lanes, k * k, channels // pair, lanes
    out = scratch("packed", shape)

    def pack(a, b):
        block = scratch("columns", columns)
        if transposed:
            square = scratch("square", (lanes, lanes))
            _pack_transposed(*tokens, weight, block, square, out, plan.present, a, b)
        else:
            _pack(*tokens, weight, block, out, plan.present, a, b)

    _run(pack, _shares(num_classes))
    return out


def _shares(count):
    """Return the bounds of eight parts as equal as possible."""
    return [count * i // 8 for i in range(9)]


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    num_classes, filters, _, k, _ = weight.shape
    plan = _plan(classes, num_classes)
    tiling = plan.tiling
    lanes, pair = _shape(x, weight)
    packed = _packed(weight, plan, lanes, pair, transposed=False)
    offsets = weight.new_zeros(num_classes, filters) if bias is None else bias.detach()
    offsets = offsets.float().contiguous().numpy()
    source, out = _words(x.detach()), _new_images(x, filters)
    target = _words(out)

    def tiles(a, b):
        _convolve(
            token(lanes),
            token(pair - 1),
            k,
            source,
            tiling.staged("tile", k // 2, source.shape[3]).view(np.int32),
            packed,
            offsets,
            target,
            tiling.tiles,
            plan.places,
            plan.starts,
            a,
            b,
        )

    _run(tiles, tiling.bands)
    return out


def backward(gradient, x, weight, classes, wants_x, wants_weight):
    """Return the gradients of x, weight and bias; those not wanted are None."""
    plan = _plan(classes, len(weight))
    gradient = _words(gradient.detach().to(x.dtype))
    return (
        _backward_input(gradient, x, weight, plan) if wants_x else None,
        *(_backward_weight(gradient, x, weight, plan) if wants_weight else (None, None)),
    )


def _backward_input(gradient, x, weight, plan):
    channels, k = weight.shape[2:4]
    lanes, pair = _shape(x, weight)
    packed = _packed(weight, plan, lanes, pair, transposed=True)
    out = _new_images(x, channels)
    target = _words(out)
    margin, tiling = k // 2, plan.tiling
    tiles, bands = tiling.tiles, tiling.bands
    edges = np.empty((len(bands) - 1, 2, 2 * margin, x.shape[3], channels), np.float32)

    def band(a, b):
        _input_gradient(
            token(lanes),
            token(pair - 1),
            k,
            gradient,
            packed,
            tiling.staged("spread", margin, channels),
            target,
            edges,
            tiles,
            plan.places,
            plan.starts,
            a,
            b,
        )

    _run(band, bands)
    for first in bands[:-1]:
        image, y0, *_, index = tiles[first]
        if y0 and margin:
            _join(token(lanes), token(pair - 1), edges, target, image, y0, index, margin)
    return out


def _backward_weight(gradient, x, weight, plan):
    num_classes, filters, channels, k, _ = weight.shape
    lanes, pair = _shape(x, weight)
    source, tiling = _words(x.detach()), plan.tiling
    groups = tiling.groups
    count = len(groups) - 1
    sums = scratch("sums", (count, num_classes, filters, k * k, channels))
    bias_sums = np.zeros((count, num_classes, filters), np.float32)
    seen = np.zeros((count, num_classes), np.bool_)

    def group(a, b):
        index = groups.index(a)
        _weight_gradient(
            token(lanes),
            token(pair - 1),
            k,
            source,
            gradient,
            tiling.staged("tile", k // 2, source.shape[3]).view(np.int32),
            scratch("gathered", (_CHUNK, filters)),
            sums[index],
            bias_sums[index],
            seen[index],
            tiling.tiles,
            plan.places,
            plan.starts,
            a,
            b,
        )

    _run(group, groups)
    total = np.empty((num_classes, filters, channels, k * k), np.float32)
    _run(lambda a, b: _total(sums, seen, total, a, b), _shares(num_classes))
    return (
        torch.from_numpy(total.reshape(weight.shape)).to(weight.dtype),
        torch.from_numpy(bias_sums.sum(axis=0)).to(weight.dtype),
    )
