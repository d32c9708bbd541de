"""Colour: the luma of gray test images, and the orthonormal opponent space."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from raisr.blocks import over_blocks
from raisr.rolling import Flow, Rows
from raisr.validate import GRAY_LEVELS, GrayImage, sink_of, sink_of_rows

__all__ = [
    "LUMA",
    "LUMA_NOISE",
    "OPPONENT",
    "add_channels",
    "add_opponent",
    "channel_groups",
    "check_image",
    "from_opponent",
    "luma_of",
    "opponent_planes",
    "rgb_planes",
    "rgb_to_gray",
    "to_opponent",
]

LUMA = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
"""Luma of ITU-R BT.601, to the digits of MATLAB's rgb2gray, which made the gray test sets.

It makes gray images of colour ones; filters for colour hash the mean, the luma of `to_opponent`."""

LUMA_NOISE = 3**-0.5
"""Level of white noise in the luma of opponent space, of its level in each channel."""


OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""The opponent space. Rows: brightness and two differences, the chroma; orthonormal, so that white
noise keeps its level. Brightness is sqrt(3) times the luma of `to_opponent`."""


def rgb_to_gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the full-range BT.601 luma of an RGB image, rounded half up; gray comes back as it is.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 array

    Returns
    -------
    (H, W) uint8 array
        Equal to the gray images of BSD68 in every pixel when made from their colour originals.

    Raises
    ------
    TypeError, ValueError
        Another dtype or shape.

    Examples
    --------
    >>> rgb_to_gray(np.uint8([[[255, 0, 0], [0, 255, 0]]])).tolist()
    [[76, 150]]
    """
    check_image(image)
    if image.ndim == 2:
        return image
    return np.floor(image @ LUMA + 0.5).astype(np.uint8)


def luma_of(planes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the luma of red, green and blue; of any other number of planes, the first."""
    if len(planes) != len(LUMA):
        return planes[0]
    luma = np.zeros(planes[0].shape, np.float32)
    for weight, plane in zip(LUMA.astype(np.float32), planes, strict=True):
        luma += weight * plane
    return luma


def channel_groups(count: int) -> list[slice]:
    """Return the channels that are filtered together: three, or each by itself.

    Examples
    --------
    >>> channel_groups(3), channel_groups(1)
    ([slice(0, 3, None)], [slice(0, 1, None)])
    """
    size = count if count == len(LUMA) else 1
    return [slice(first, first + size) for first in range(0, count, size)]


def check_image(image: NDArray[np.uint8]) -> None:
    """Refuse what is no 8-bit gray or RGB image."""
    if image.dtype != np.uint8:
        raise TypeError(f"image must be uint8, got {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"image must have shape (H, W) or (H, W, 3), got {image.shape}")


def opponent_planes(rgb: NDArray) -> NDArray[np.float32]:
    """Return the planes of the orthonormal opponent space, `OPPONENT` times red, green and blue.

    Parameters
    ----------
    rgb : (3, ...) array
        Any real dtype and unit.

    Returns
    -------
    (3, ...) float32 array
        Gray is 0 in the second and the third.

    Examples
    --------
    >>> opponent_planes(np.full((3, 1), 100)).round().tolist()
    [[173.0], [0.0], [0.0]]
    """
    red, green, blue = np.asarray(rgb, np.float32)
    ends = red + blue  # and no product of matrices, whose threads keep the cores of others busy
    out = np.stack([ends + green, red - blue, ends - 2 * green])
    out *= OPPONENT[:, 0].astype(np.float32).reshape(3, *[1] * red.ndim)
    return out


def rgb_planes(opponent: NDArray) -> NDArray[np.float32]:
    """Return red, green and blue, (3, ...) float32; the inverse of `opponent_planes`."""
    parts = np.asarray(opponent, np.float32)
    mean, wide, narrow = (
        part * row[0] for part, row in zip(parts, OPPONENT.astype(np.float32), strict=True)
    )
    side = mean + narrow
    return np.stack([side + wide, mean - 2 * narrow, side - wide])


def to_opponent(channels: Sequence[GrayImage], num_threads: int) -> list[NDArray[np.float32]]:
    """Turn red, green and blue to opponent planes.

    Parameters
    ----------
    channels : sequence of three GrayImage
    num_threads : int

    Returns
    -------
    list of three (H, W) float32 arrays, gray levels
        Luma, the mean of the channels; then the chroma ``(r - b) / sqrt(2)`` and
        ``(r - 2 g + b) / sqrt(6)``, exactly 0 on gray. The rows are orthogonal: white noise of
        one level in every channel is independent in the planes, of the same level in the chroma
        and of `LUMA_NOISE` times that level in the luma.
    """
    from raisr.kernels.colour import to_opponent_rows

    shape = channels[0].shape
    planes = [np.empty(shape, np.float32) for _ in range(3)]
    sources = tuple(channel.source for channel in channels)
    sinks = tuple(sink_of(plane, GRAY_LEVELS) for plane in planes)
    over_blocks(lambda y0, y1: to_opponent_rows(sources, sinks, y0, y1), shape, num_threads)
    return planes


def add_opponent(flow: Flow, channels: Sequence[GrayImage]) -> list[Rows]:
    """Add what `to_opponent` does to a Flow; return its planes."""
    from raisr.kernels.colour import to_opponent_rows

    planes, sources = [flow.plane() for _ in range(3)], tuple(c.source for c in channels)

    def run(y0, y1):
        to_opponent_rows(sources, tuple(plane.sink for plane in planes), y0, y1)

    flow.add(run, (), planes)
    return planes


def from_opponent(
    planes: Sequence[NDArray[np.float32]],
    outs: Sequence[NDArray],
    data_range: float | None,
    num_threads: int,
    near: tuple[Sequence[NDArray[np.float32]], Sequence[float]] | None = None,
) -> None:
    """Turn opponent planes back, and write them in the type and unit of `outs`.

    Parameters
    ----------
    planes : sequence of three (H, W) float32 arrays
        As `to_opponent` gives them.
    outs : sequence of three (H, W) arrays
        Red, green and blue. Integers are rounded and clipped.
    data_range : float or None
        Value of white in `outs`.
    num_threads : int
    near : (planes, numbers), optional
        What the planes were made of, and by how much pixels of each may differ from that: what
        differs more is moved nearer.
    """
    images = [GrayImage(plane) for plane in planes]
    given = None if near is None else ([GrayImage(plane) for plane in near[0]], near[1])

    def block(y0, y1):
        _write_rows(images, given, outs, data_range, y0, y1)

    over_blocks(block, outs[0].shape, num_threads)


def add_channels(flow, planes, outs, data_range, near=None):
    """Add what `from_opponent` does to a Flow; planes may be Rows."""

    def run(y0, y1):
        _write_rows(planes, near, outs, data_range, y0, y1)

    read = [*planes, *(() if near is None else near[0])]
    flow.add(run, [(plane, 0) for plane in read], ())


def _write_rows(planes, near, outs, data_range, y0, y1):
    from raisr.kernels.colour import from_opponent_rows

    given, most = (planes, [np.inf] * 3) if near is None else near
    sources, givens = (tuple(plane.source for plane in each) for each in (planes, given))
    with ExitStack() as stack:
        sinks = [stack.enter_context(sink_of_rows(out, y0, y1, data_range)) for out in outs]
        from_opponent_rows(sources, givens, tuple(map(np.float32, most)), tuple(sinks), y0, y1)
