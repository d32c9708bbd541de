"""Class-specific convolution on a CPU, for float32 and bfloat16: tiles, sorted by class.

Pixels are tuples of 32-bit words, channels last: one float32 or two bfloat16 a word. An image is
cut into bands of rows and these into tiles; the pixels of a tile are sorted by class, so that
groups of pixels share the weights of theirs. Nothing depends on the number of threads: what
several tiles add to is first added up for fixed groups of bands, then over the groups in order.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from llvmlite.binding import get_host_cpu_features

from hybrid._csconv_simd import FILTERS, ask, copy, forward, gather, input_gradient, weight_gradient
from raisr._blocks import aligned_empty
from raisr._kernels import kernel
from raisr._simd import token

__all__ = ["backward", "convolve", "supports"]

_SIDE = 64
_CHUNK = 64
_GROUP = 1 << 15
_MAX_GROUPS = 64
_HAS_PAIRS = get_host_cpu_features().get("avx512bf16", False)
_ONE, _TWO, _THREE, _FOUR, _EIGHT = token(1), token(2), token(3), token(4), token(8)


_memory = threading.local()


def scratch(name, shape):
    """Return memory that this thread keeps from call to call: fresh pages are slow."""
    key = name, shape
    kept = _memory.__dict__
    if key not in kept:
        kept[key] = aligned_empty(shape)
    return kept[key]


class _Tiling(NamedTuple):
    tiles: np.ndarray  # (T, 7): image, y0, y1, x0, x1, first pixel, band
    bands: list  # first tile of each band, and the number of tiles
    groups: list  # first tile of each group of bands, and the number of tiles


class _Plan(NamedTuple):
    tiling: _Tiling
    classes: torch.Tensor
    num_classes: int
    places: np.ndarray  # (B * H * W) uint16, tile by tile, sorted by class
    starts: np.ndarray  # (T, num_classes + 1) int64


def _cuts(length):
    count = -(-length // _SIDE)
    return [length * i // count for i in range(count + 1)]


@lru_cache(maxsize=16)
def _tiling(images, height, width):
    rows, columns = _cuts(height), _cuts(width)
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
    return _Tiling(np.array(tiles), bands, groups)


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
def _write(paired, values, out):
    """Write float32 values as words: themselves, or pairs of bfloat16."""
    if len(paired) == 0:
        copy(_address(values), _address(out), np.int64(4 * values.size))
        return
    bits, halves = values.view(np.int32), out.view(np.int16)
    for i in range(bits.size):
        rounded = bits[i] + np.int32(0x7FFF) + ((bits[i] >> np.int32(16)) & np.int32(1))
        is_nan = (bits[i] & np.int32(0x7FFFFFFF)) > np.int32(0x7F800000)
        halves[i] = np.int16((np.int32(0x7FC00000) if is_nan else rounded) >> np.int32(16))


@kernel
def _spread(vectors, lanes, paired, gradients, words, place, end, weights, target):
    """Add what pixels of one class contribute to some channels of a row of taps."""
    while place + 8 <= end:
        input_gradient(_FOUR, vectors, lanes, paired, gradients, words, place, weights, target)
        place += 8
    if place + 4 <= end:
        input_gradient(_TWO, vectors, lanes, paired, gradients, words, place, weights, target)
        place += 4
    if place < end:
        input_gradient(_ONE, vectors, lanes, paired, gradients, words, place, weights, target)


@kernel
def _input_gradient(
    lanes, paired, k, gradient, weights, spread, out, edges, tiles, places, starts, t0, t1
):
    """Find the gradient of the input in the tiles of a band."""
    margin, width, words = k // 2, len(lanes), np.int64(gradient.shape[3])
    channels = edges.shape[4]
    vectors = k * channels // width
    y_row, y_step = np.int64(gradient.strides[1]), np.int64(gradient.strides[2])
    row, step = np.int64(spread.strides[0]), np.int64(4 * channels)
    panel = 4 * width * words
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
                for r in range(k):
                    v = 0
                    while v < vectors:
                        weight = _address(weights) + ((c * k + r) * vectors + v) * panel
                        target = (_address(spread) + r * row + 4 * width * v, row, step)
                        args = lanes, paired, source, words, place, end, weight, target
                        if v + 3 <= vectors:
                            _spread(_THREE, *args)
                            v += 3
                        else:
                            _spread(_ONE, *args)
                            v += 1
        _flush(paired, spread, out, edges, tiles[t], margin, channels)


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
def _flush(paired, spread, out, edges, tile, margin, channels):
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
                _write((), done, edges[band, 0, i, a:b])
            elif y1 < height and i >= rows:
                _write((), done, edges[band, 1, i - rows, a:b])
            else:
                _write(paired, done, out[image, y, a:b].reshape(-1))
        for j in range(keep):
            line[j] = line[columns + j]
        line[keep : keep + columns] = 0


@kernel
def _join(paired, edges, out, image, y0, band, margin):
    """Write the rows to which a band and the one above it both contribute."""
    for i in range(2 * margin):
        y = y0 - margin + i
        total = (edges[band - 1, 1, i] + edges[band, 0, i]).reshape(-1)
        _write(paired, total, out[image, y].reshape(-1))


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
    _last_plan = _Plan(tiling, classes.clone(), num_classes, places, starts)
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
    return known and filters % 8 == 0 and channels % 8 == 0 and k < _SIDE // 2 and x.numel() > 0


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    num_classes, filters, channels, k, _ = weight.shape
    plan = _plan(classes, num_classes)
    lanes, pair = _shape(x, weight)
    packed = (
        weight.detach()
        .to(x.dtype)
        .reshape(num_classes, filters // lanes, lanes, channels // pair, pair, k * k)
        .permute(0, 1, 5, 3, 2, 4)
        .contiguous()
        .view(torch.int32)
        .numpy()
    )
    offsets = weight.new_zeros(num_classes, filters) if bias is None else bias.detach()
    offsets = offsets.float().contiguous().numpy()
    source, out = _words(x.detach()), _new_images(x, filters)
    target = _words(out)

    side = _SIDE + 2 * (k // 2)

    def tiles(a, b):
        _convolve(
            token(lanes),
            token(pair - 1),
            k,
            source,
            scratch("tile", (side, side * source.shape[3])).view(np.int32),
            packed,
            offsets,
            target,
            plan.tiling.tiles,
            plan.places,
            plan.starts,
            a,
            b,
        )

    _run(tiles, plan.tiling.bands)
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
    num_classes, filters, channels, k, _ = weight.shape
    lanes, pair = _shape(x, weight)
    packed = (
        weight.detach()
        .to(x.dtype)
        .reshape(num_classes, filters // pair, pair, channels // lanes, lanes, k * k)
        .permute(0, 5, 3, 1, 4, 2)
        .contiguous()
        .view(torch.int32)
        .numpy()
    )
    out = _new_images(x, channels)
    target = _words(out)
    margin, (tiles, bands, _) = k // 2, plan.tiling
    edges = np.empty((len(bands) - 1, 2, 2 * margin, x.shape[3], channels), np.float32)

    def band(a, b):
        _input_gradient(
            token(lanes),
            token(pair - 1),
            k,
            gradient,
            packed,
            scratch("spread", (_SIDE + 2 * margin, (_SIDE + 2 * margin) * channels)),
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
            _join(token(pair - 1), edges, target, image, y0, index, margin)
    return out


def _backward_weight(gradient, x, weight, plan):
    num_classes, filters, channels, k, _ = weight.shape
    lanes, pair = _shape(x, weight)
    source, side = _words(x.detach()), _SIDE + 2 * (k // 2)
    tiles, _, groups = plan.tiling
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
            scratch("tile", (side, side * source.shape[3])).view(np.int32),
            scratch("gathered", (_CHUNK, filters)),
            sums[index],
            bias_sums[index],
            seen[index],
            tiles,
            plan.places,
            plan.starts,
            a,
            b,
        )

    _run(group, groups)
    total = np.empty((num_classes, filters, channels, k * k), np.float32)
    cuts = [num_classes * i // 8 for i in range(9)]
    _run(lambda a, b: _total(sums, seen, total, a, b), cuts)
    return (
        torch.from_numpy(total.reshape(weight.shape)).to(weight.dtype),
        torch.from_numpy(bias_sums.sum(axis=0)).to(weight.dtype),
    )
