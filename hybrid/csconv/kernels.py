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
    "gradient_kernel",
    "join_bands",
    "pack",
    "pack_transposed",
    "pixels_kernel",
    "sort_tiles",
    "spread_kernel",
    "write_kernel",
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


@cache
def write_kernel(lanes, paired):
    """Return the address of what writes float32 as words: themselves, or pairs of bfloat16."""
    width = token(lanes)

    def write(values, count, out):  # compiled
        if paired:
            for i in range(0, count, lanes):
                micro.narrow(width, values + 4 * i, out + 2 * i)
        else:
            micro.copy(values, out, 4 * count)

    return special(write, lanes, paired)


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


@cache
def spread_kernel(lanes, paired):
    """Return the address of what adds the contributions of some pixels of one class."""
    width, pairs = token(lanes), token(paired)

    def spread(  # compiled
        source, y_row, y_step, k, length, place, end, weights, vectors, out, row, step
    ):
        gradients, size, panel = (source, y_row, y_step), (k, length), 4 * lanes * length
        v = 0
        while v < vectors:
            weight, target = weights + v * panel, (out + 4 * lanes * v, row, step)
            args = width, pairs, gradients, size, place, end, weight, vectors * panel, target
            if v + 3 <= vectors:
                _spread(_THREE, *args)
                v += 3
            else:
                _spread(_ONE, *args)
                v += 1

    return special(spread, lanes, paired)


@kernel
def find_input_gradient(
    add, write, lanes, k, gradient, weights, spread, out, edges, tiles, places, starts, t0, t1
):
    """Find the gradient of the input in the tiles of a band.

    `add` is a `spread_kernel`, `write` a `write_kernel`.
    """
    margin, channels = k // 2, edges.shape[4]
    vectors = k * channels // lanes
    size = (np.int64(k), np.int64(gradient.shape[3]))
    y_row, y_step = np.int64(gradient.strides[1]), np.int64(gradient.strides[2])
    target = (_address(spread), np.int64(spread.strides[0]), np.int64(4 * channels))
    of_class = 4 * k * vectors * lanes * size[1]
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
                about = (place, end, _address(weights) + c * of_class, vectors)
                call(add, source + size + about + target)
        _flush(write, spread, out, edges, tiles[t], margin, channels)


@cache
def gradient_kernel(lanes, paired):
    """Return the address of what adds the gradients of one class over some of its pixels."""
    width, pairs = token(lanes), token(paired)

    def gradients(  # compiled
        tile, row, step, place, count, source, y_row, y_step, k, channels, filters, room, bias, sums
    ):
        vectors, size = k * channels // lanes, 4 * k * k * channels
        joined, vector_bytes = 4 * filters, step * lanes // channels
        for f in range(0, filters, lanes):
            part = (source + f * y_step // filters, y_row, y_step)
            micro.gather(width, pairs, part, place, count, room + 4 * f, joined, bias + 4 * f)
        for f in range(0, filters, micro.FILTERS):
            pixels = place, count, room + 4 * f, joined
            for r in range(k):
                v = 0
                while v < vectors:
                    part = (tile + r * row + v * vector_bytes, row, step)
                    out = sums + f * size + 4 * (r * vectors + v) * lanes
                    if v + 3 <= vectors:
                        micro.weight_gradient(_THREE, width, pairs, part, *pixels, out, size)
                        v += 3
                    else:
                        micro.weight_gradient(_ONE, width, pairs, part, *pixels, out, size)
                        v += 1

    return special(gradients, lanes, paired)


@kernel
def add_weight_gradient(
    add, k, source, gradient, tile, gathered, sums, bias_sums, seen, tiles, places, starts, t0, t1
):
    """Add up the gradients of weights and biases over the tiles of a group.

    `add` is a `gradient_kernel`.
    """
    margin, (filters, _, channels) = k // 2, sums.shape[1:]
    y_row, y_step = np.int64(gradient.strides[1]), np.int64(gradient.strides[2])
    staged = (_address(tile), np.int64(tile.strides[0]), np.int64(4 * source.shape[3]))
    size = (np.int64(k), channels, filters, _address(gathered))
    for t in range(t0, t1):
        image, y0, y1, x0, x1, _, _ = tiles[t]
        _stage(source, image, y0, y1, x0, x1, margin, tile)
        corner = _address(gradient) + image * gradient.strides[0] + y0 * y_row + x0 * y_step
        part = (np.int64(corner), y_row, y_step)
        for c in range(seen.size):
            if starts[t, c] < starts[t, c + 1] and not seen[c]:
                seen[c] = True
                sums[c] = 0
            for first in range(starts[t, c], starts[t, c + 1], CHUNK):
                count = min(CHUNK, starts[t, c + 1] - first)
                pixels = (_address(places) + 2 * first, count)
                micro.ask(part, pixels[0] + 2 * count, np.int64(CHUNK))
                totals = (_address(bias_sums[c]), _address(sums[c]))
                call(add, staged + pixels + part + size + totals)


@subkernel
def _flush(write, spread, out, edges, tile, margin, channels):
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
        done, count = _address(line[left:right]), np.int64(right - left)
        if 0 <= y < height:
            if y0 > 0 and i < 2 * margin:
                micro.copy(done, _address(edges[band, 0, i, a:b]), 4 * count)
            elif y1 < height and i >= rows:
                micro.copy(done, _address(edges[band, 1, i - rows, a:b]), 4 * count)
            else:
                call(write, (done, count, _address(out[image, y, a:b])))
        for j in range(keep):
            line[j] = line[columns + j]
        line[keep : keep + columns] = 0


@kernel
def join_bands(write, edges, out, tiles):
    """Write the rows to which a band and the one above it both contribute."""
    rows, length = edges.shape[2], edges.shape[3] * edges.shape[4]
    total = np.empty(length, np.float32)
    for t in range(len(tiles)):
        image, y0, _, x0, _, _, band = tiles[t]
        if x0 == 0 and y0 > 0:
            for i in range(rows):
                above, below = edges[band - 1, 1, i].reshape(-1), edges[band, 0, i].reshape(-1)
                for j in range(length):  # sums of arrays take seconds to compile
                    total[j] = above[j] + below[j]
                target = _address(out[image, y0 - rows // 2 + i])
                call(write, (_address(total), length, target))


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
