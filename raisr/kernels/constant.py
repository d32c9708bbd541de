"""Where an image is constant: windows in which all pixels are equal."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["mark_constant"]

_COLUMNS = 128


@kernel
def mark_constant(image, size, mask):
    """Mark the pixels of all constant windows.

    Parameters
    ----------
    image : (H, W) array of unsigned integers
    size : int
        Side of the windows.
    mask : (H, W) bool
        Written in place.
    """
    for x0 in range(0, image.shape[1], _COLUMNS):
        columns = slice(max(x0 - size + 1, 0), x0 + _COLUMNS + size - 1)
        if _may_be_constant(image[:, columns], size):
            _mark(image[:, columns].copy(), size, mask[:, columns])


@kernel
def _may_be_constant(image, size):
    """Return False only if there is no constant window.

    Of every window, one pixel is the last in one of the tiles of this size, and equal pixels in a
    row and in a column go through it.
    """
    height, width = image.shape
    for y in range(size - 1, height, size):
        for x in range(size - 1, width, size):
            if _run(image[y], x, size) >= size and _run(image[:, x], y, size) >= size:
                return True
    return False


@kernel
def _run(line, place, most):
    """Return how many equal pixels in a row are around a place; `most` on each side count."""
    first = last = place
    while first > max(place - most, 0) and line[first - 1] == line[place]:
        first -= 1
    while last < min(place + most, line.size - 1) and line[last + 1] == line[place]:
        last += 1
    return last - first + 1


@kernel
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


@kernel
def _count_equal(before, row, most, above):
    """Go on by a row, and return whether `most` pixels above one of it equal it."""
    found = False
    for x in range(row.size):
        above[x] = min(above[x] + 1, most) if row[x] == before[x] else 0
        found |= above[x] == most
    return found
