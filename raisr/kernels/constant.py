"""Where an image is constant: windows in which all pixels are equal."""

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.memory import number_at

__all__ = ["mark_constant"]

_COLUMNS = 128


@kernel
def mark_constant(zero, image, size, mask):
    """Mark the pixels of all constant windows.

    Parameters
    ----------
    zero : unsigned integer
        Of the type of the pixels.
    image : (address, height, width, row, step)
        Address of the first pixel; size of the image; bytes from row to row and from pixel to
        pixel.
    size : int
        Side of the windows.
    mask : (H, W) bool
        Written in place.
    """
    address, height, width, row, step = image
    for x0 in range(0, width, _COLUMNS):
        left, right = max(x0 - size + 1, 0), min(x0 + _COLUMNS + size - 1, width)
        part = address + left * step, height, right - left, row, step
        if _may_be_constant(zero, part, size):
            _mark(_copied(zero, part), size, mask[:, left:right])


@subkernel
def _may_be_constant(zero, image, size):
    """Return False only if there is no constant window.

    Of every window, one pixel is the last in one of the tiles of this size, and equal pixels in a
    row and in a column go through it.
    """
    address, height, width, row, step = image
    for y in range(size - 1, height, size):
        for x in range(size - 1, width, size):
            across = _run(zero, address + y * row, step, width, x, size)
            if across >= size and _run(zero, address + x * step, row, height, y, size) >= size:
                return True
    return False


@subkernel
def _run(zero, line, step, length, place, most):
    """Return how many equal pixels in a row are around a place; `most` on each side count."""
    first, last, value = place, place, number_at(line + place * step, zero)
    least, limit = max(place - most, 0), min(place + most, length - 1)
    while first > least and number_at(line + (first - 1) * step, zero) == value:
        first -= 1
    while last < limit and number_at(line + (last + 1) * step, zero) == value:
        last += 1
    return last - first + 1


@subkernel
def _copied(zero, image):
    address, height, width, row, step = image
    pixels = np.full((height, width), zero)
    for y in range(height):
        line = address + y * row
        for x in range(width):
            pixels[y, x] = number_at(line + x * step, zero)
    return pixels


@subkernel
def _mark(image, size, mask):
    height, width = image.shape
    above = np.zeros(width, np.uint8)  # pixels of each column that equal the one below them
    for y in range(1, height):
        if not _count_equal(image[y - 1], image[y], size - 1, above):
            continue
        run = 0  # constant columns of one value, up to here
        for x in range(width + 1):
            constant = x < width and above[x] == size - 1
            if run and constant and image[y, x] == image[y, x - 1]:
                run += 1
                continue
            if run >= size:
                mask[y - size + 1 : y + 1, x - run : x] = True
            run = int(constant)


@subkernel
def _count_equal(before, row, most, above):
    """Go on by a row, and return whether `most` pixels above one of it equal it."""
    found = False
    for x in range(row.size):
        above[x] = min(above[x] + 1, most) if row[x] == before[x] else 0
        found |= above[x] == most
    return found
