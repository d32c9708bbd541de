"""Where an image is constant: windows in which all pixels are equal."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["mark_constant"]


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
