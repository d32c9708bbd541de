"""Colour: the luma that classes are made of, and the orthonormal opponent space."""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LUMA",
    "OPPONENT",
    "check_image",
    "from_opponent",
    "luma_weights",
    "rgb_to_gray",
    "to_opponent",
]

LUMA = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
"""Luma of ITU-R BT.601, to the digits of MATLAB's rgb2gray, which made the gray test sets."""


def luma_weights(channels: int) -> NDArray[np.float64]:
    """Return the weight of each channel in the luma: BT.601 for three, else the mean."""
    return LUMA if channels == 3 else np.full(channels, 1 / channels)


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


def check_image(image: NDArray[np.uint8]) -> None:
    """Refuse what is no 8-bit gray or RGB image."""
    if image.dtype != np.uint8:
        raise TypeError(f"image must be uint8, got {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"image must have shape (H, W) or (H, W, 3), got {image.shape}")


OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Rows: brightness and two differences of colours, orthonormal: white noise keeps its level."""


def to_opponent(rgb: NDArray) -> NDArray[np.float32]:
    """Return the opponent planes of red, green and blue, along the first axis.

    Parameters
    ----------
    rgb : (3, ...) array
        Any real dtype and unit.

    Returns
    -------
    (3, ...) float32 array
        Brightness, sqrt(3) times the mean of the three; red less blue; magenta less green. Gray
        is 0 in the latter two.

    Examples
    --------
    >>> to_opponent(np.full((3, 1), 100)).round(1).tolist()
    [[173.2], [0.0], [0.0]]
    """
    return np.tensordot(OPPONENT.astype(np.float32), np.asarray(rgb, np.float32), 1)


def from_opponent(planes: NDArray) -> NDArray[np.float32]:
    """Return red, green and blue of opponent planes; the inverse of `to_opponent`."""
    return np.tensordot(OPPONENT.T.astype(np.float32), np.asarray(planes, np.float32), 1)
