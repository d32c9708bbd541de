"""Compiled loops of the class-specific convolution over tiles; `_csconv_cpu` calls them.

Images have channels last and are arrays of 32-bit words: one float32 or two bfloat16 a word. Tiles
are rows ``image, y0, y1, x0, x1, first pixel, band``. The pixels of a tile, sorted by class, stand
in `places`; class c of tile t has those from ``starts[t, c]`` to ``starts[t, c + 1]``.
"""

from functools import cache

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.calls import call, special
from raisr.kernels.micro import VECTOR
from raisr.simd import token

if VECTOR:
    from hybrid.csconv import simd as micro
else:
    from hybrid.csconv import plain as micro

__all__ = [
    "CHUNK",
    "add_groups",
    "add_weight_gradient",
    "convolve_tiles",
    "find_input_gradient",
    "join_bands",
    "pack",
    "pack_transposed",
    "pixels_kernel",
    "sort_tiles",
]

CHUNK = 64
"""Number of pixels worked on together; as many places behind the last are read, but not used."""

_ONE, _TWO, _THREE, _FOUR, _EIGHT = token(1), token(2), token(3), token(4), token(8)


@kernel
def sort_tiles(classes, num_classes, tiles, places, starts, t0, t1):
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


@subkernel
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
        micro.copy(line, place, np.int64(4 * (right - left)))
        row[right:end] = 0


@subkernel
def _address(array):
    return np.int64(array.ctypes.data)


@subkernel
def _by_tap(lanes, weight, out):
    """Turn (C_out, C_in, taps) weights to (C_out / lanes, C_in, taps, lanes)."""
    width, length = len(lanes), weight.shape[1] * weight.shape[2]
    for block in range(out.shape[0]):
        for j in range(0, length, width):
            source = _address(weight) + 4 * (block * width * length + j)
            target = _address(out) + 4 * width * (block * length + j)
            micro.transpose(lanes, source, np.int64(4 * length), target, np.int64(4 * width))


@kernel
def pack(lanes, paired, weight, columns, out, present):
    """Lay out weights for `forward`, (classes, C_out / lanes, taps, words, lanes)."""
    width, pair = len(lanes), 1 + len(paired)
    for c in range(len(present)):
        if not present[c]:
            continue
        _by_tap(lanes, weight[c], columns)
        for block in range(out.shape[1]):
            for t in range(out.shape[2]):
                for word in range(out.shape[3]):
                    source = columns[block, pair * word, t]
                    target = _address(out[c, block, t, word])
                    if pair == 1:
                        micro.copy(_address(source), target, np.int64(4 * width))
                    else:
                        other = columns[block, pair * word + 1, t]
                        micro.join(lanes, _address(source), _address(other), target)


@kernel
def pack_transposed(lanes, paired, weight, columns, square, out, present):
    """Lay out weights for `input_gradient`, (classes, taps, C_in / lanes, words, lanes)."""
    width, pair = len(lanes), 1 + len(paired)
    words = width // pair
    for c in range(len(present)):
        if not present[c]:
            continue
        _by_tap(lanes, weight[c], columns)
        for block in range(columns.shape[0]):
            for t in range(out.shape[1]):
                for i in range(out.shape[2]):
                    source = _address(columns[block, i * width, t])
                    row = np.int64(columns.strides[1])
                    micro.transpose(lanes, source, row, _address(square), np.int64(4 * width))
                    for word in range(words):
                        target = _address(out[c, t, i, block * words + word])
                        if pair == 1:
                            micro.copy(_address(square[word]), target, np.int64(4 * width))
                        else:
                            low, high = _address(square[2 * word]), _address(square[2 * word + 1])
                            micro.join(lanes, low, high, target)


@cache
def pixels_kernel(lanes, paired):
    """Return the address of what convolves pixels of one class: `paired` is 1 for bfloat16."""
    width, pairs = token(lanes), token(paired)

    def pixels(  # compiled
        tile, row, step, k, length, place, end, weight, offset, out, out_row, out_step
    ):
        taps, size, target = (tile, row, step), (k, length), (out, out_row, out_step)
        while place + 16 <= end:
            micro.forward(_EIGHT, width, pairs, taps, size, place, weight, offset, target)
            place += 16
        if place + 8 <= end:
            micro.forward(_FOUR, width, pairs, taps, size, place, weight, offset, target)
            place += 8
        if place + 4 <= end:
            micro.forward(_TWO, width, pairs, taps, size, place, weight, offset, target)
            place += 4
        if place < end:
            micro.forward(_ONE, width, pairs, taps, size, place, weight, offset, target)

    return special(pixels, lanes, paired)


@kernel
def convolve_tiles(
    pixels, lanes, k, source, tile, weights, bias, out, tiles, places, starts, t0, t1
):
    """Convolve tiles; `pixels` is a `pixels_kernel`."""
    margin, words, out_words = k // 2, source.shape[3], out.shape[3]
    blocks = bias.shape[1] // lanes
    taps = (_address(tile), np.int64(tile.strides[0]), np.int64(4 * words))
    size = (np.int64(k), np.int64(k * words))
    panel = np.int64(4 * k * k * words * lanes)
    out_row, out_step = np.int64(out.strides[1]), np.int64(out.strides[2])
    step = np.int64(4 * out_words // blocks)
    for t in range(t0, t1):
        image, y0, y1, x0, x1, _, _ = tiles[t]
        _stage(source, image, y0, y1, x0, x1, margin, tile)
        corner = _address(out) + image * out.strides[0] + y0 * out_row + x0 * out_step
        for c in range(bias.shape[0]):
            if starts[t, c] == starts[t, c + 1]:
                continue
            ends = (_address(places) + 2 * starts[t, c], _address(places) + 2 * starts[t, c + 1])
            for block in range(blocks):
                weight = _address(weights) + (c * blocks + block) * panel
                offset = _address(bias) + 4 * lanes * (c * blocks + block)
                target = (corner + block * step, out_row, out_step)
                call(pixels, taps + size + ends + (weight, offset) + target)


@subkernel
def _write(lanes, paired, values, out):
    """Write float32 values as words: themselves, or pairs of bfloat16."""
    if len(paired) == 0:
        micro.copy(_address(values), _address(out), np.int64(4 * values.size))
    else:
        for i in range(0, values.size, len(lanes)):
            micro.narrow(lanes, _address(values) + 4 * i, _address(out) + 2 * i)


@subkernel
def _spread(vectors, lanes, paired, gradients, size, place, end, weights, weight_row, target):
    """Add what pixels of one class contribute to some channels of the rows of taps."""
    args = weights, weight_row, target
    while place + 8 <= end:
        micro.input_gradient(_FOUR, vectors, lanes, paired, gradients, size, place, *args)
        place += 8
    if place + 4 <= end:
        micro.input_gradient(_TWO, vectors, lanes, paired, gradients, size, place, *args)
        place += 4
    if place < end:
        micro.input_gradient(_ONE, vectors, lanes, paired, gradients, size, place, *args)


@kernel
def find_input_gradient(
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
            for first in range(starts[t, c], starts[t, c + 1], CHUNK):
                end = min(first + CHUNK, starts[t, c + 1])
                place, end = _address(places) + 2 * first, _address(places) + 2 * end
                micro.ask(source, end, np.int64(CHUNK))
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
def add_weight_gradient(
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
            for first in range(starts[t, c], starts[t, c + 1], CHUNK):
                count = min(CHUNK, starts[t, c + 1] - first)
                place = _address(places) + 2 * first
                micro.ask((np.int64(corner), y_row, y_step), place + 2 * count, np.int64(CHUNK))
                for f in range(0, filters, width):
                    part = (np.int64(corner + f * y_step // filters), y_row, y_step)
                    out, total = _address(gathered) + 4 * f, _address(bias_sums[c]) + 4 * f
                    micro.gather(lanes, paired, part, place, count, out, joined, total)
                for f in range(0, filters, micro.FILTERS):
                    pixels = place, count, _address(gathered) + 4 * f, joined
                    for r in range(k):
                        v = 0
                        while v < vectors:
                            part = (_address(tile) + r * row + v * vector_bytes, row, step)
                            out = _address(sums[c, f]) + 4 * (r * vectors + v) * width
                            if v + 3 <= vectors:
                                micro.weight_gradient(
                                    _THREE, lanes, paired, part, *pixels, out, size
                                )
                                v += 3
                            else:
                                micro.weight_gradient(_ONE, lanes, paired, part, *pixels, out, size)
                                v += 1


@subkernel
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
def join_bands(lanes, paired, edges, out, tiles):
    """Write the rows to which a band and the one above it both contribute."""
    rows = edges.shape[2]
    total = np.empty(edges.shape[3] * edges.shape[4], np.float32)
    for t in range(len(tiles)):
        image, y0, _, x0, _, _, band = tiles[t]
        if x0 == 0 and y0 > 0:
            for i in range(rows):
                above, below = edges[band - 1, 1, i].reshape(-1), edges[band, 0, i].reshape(-1)
                for j in range(total.size):  # sums of arrays take seconds to compile
                    total[j] = above[j] + below[j]
                _write(lanes, paired, total, out[image, y0 - rows // 2 + i].reshape(-1))


@kernel
def add_groups(sums, seen, out, c0, c1):
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
