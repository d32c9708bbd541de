"""Classes of the blocks of an enlarged image: one for each pixel of the small one."""

from raisr.blocks import aligned_empty, over_blocks
from raisr.profiles import class_map
from raisr.validate import GrayImage

__all__ = ["block_classes", "centred_on_blocks", "sees_blocks"]


def sees_blocks(index):
    """Return whether a stage has classes of the blocks of the result before, or of the small image.

    They take turns: so measured best on images held back.
    """
    return index % 2 == 1


def centred_on_blocks(plane, factor, num_threads):
    """Return a plane that has a pixel in the middle of each block: means of four where it has none.

    Parameters
    ----------
    plane : (factor H, factor W) float32
    factor : int
    num_threads : int

    Returns
    -------
    (factor H, factor W) or (factor H - 1, factor W - 1) float32
        The first pixel that is in the middle of a block is in row and column (factor - 1) // 2.
    """
    from raisr.kernels.centres import mean_of_four

    if factor % 2:
        return plane
    means = aligned_empty(tuple(side - 1 for side in plane.shape))
    over_blocks(lambda y0, y1: mean_of_four(plane, y0, y1, means), means.shape, num_threads)
    return means


def block_classes(plane, factor, spec, num_threads):
    """Return the classes, (H, W) uint16, of the middles of a plane's blocks."""
    centred = GrayImage(centred_on_blocks(plane, factor, num_threads))
    return class_map(centred, spec, num_threads, (factor, (factor - 1) // 2))
