"""Where an image is constant: windows in which all pixels are equal."""

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
    for y in range(height - size + 1):
        columns, before = 0, image[y, 0]  # constant columns of one value, up to here
        for x in range(width):
            value = image[y, x]
            if columns and value != before:
                columns = 0
            columns += 1
            for i in range(y + 1, y + size):
                if image[i, x] != value:
                    columns = 0
                    break
            before = value
            if columns >= size:
                mask[y : y + size, x - size + 1 : x + 1] = True
