"""Where the pixels of a GeoTIFF lie on Earth, after its image was enlarged or turned.

OGC 19-008r4, GeoTIFF 1.1: the scale of pixels, tie points (column, row, level, and x, y, z) and a
matrix from the first to the second. A column is counted from the left edge of the first pixel, or
from its centre where the raster type is PixelIsPoint; all of pixels as they are stored.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["enlarged", "turned"]

_SCALE, _TIE_POINTS, _MATRIX, _KEYS = 33550, 33922, 34264, 34735
_LENGTHS = {_SCALE: 3, _TIE_POINTS: 6, _MATRIX: 16}
_SHORT, _DOUBLE = 3, 12
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2

_Tag = tuple[int, int, int, bytes]


def enlarged(metadata: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return the metadata of a page for an image whose sides are `factor` times as long."""
    return _placed(metadata, factor * np.eye(2), np.zeros(2))


def turned(metadata: dict[str, Any], stored: int, height: int, width: int) -> dict[str, Any]:
    """Return the metadata of a page for an image that `exif.turn` has turned upright.

    A scale and a tie point, between which nothing can be turned, become a matrix.

    Parameters
    ----------
    metadata : dict
    stored : int
        One of the eight ways of storing an image.
    height, width : int
        Of the image as it was stored.
    """
    if "tiff" not in metadata:
        return metadata
    linear, sides = np.eye(2), np.array([width, height], float)
    if stored in (5, 6, 7, 8):
        linear, sides = linear[::-1], sides[::-1]
    back = np.array([stored in (2, 3, 6, 7), stored in (3, 4, 7, 8)])
    order, tags = metadata["tiff"]
    with_matrix = {**metadata, "tiff": (order, _with_matrix(order, tags))}
    return _placed(with_matrix, np.where(back[:, None], -linear, linear), np.where(back, sides, 0))


def _placed(metadata: dict[str, Any], linear: NDArray, offset: NDArray) -> dict[str, Any]:
    """Return the metadata for an image with what was at a point at ``linear @ point + offset``.

    Points are columns and rows from the corner of the image.
    """
    if "tiff" not in metadata:
        return metadata
    order, tags = metadata["tiff"]
    start = np.full(2, 0.5 if _is_point(order, tags) else 0.0)
    offset = linear @ start + offset - start
    new = []
    for tag in tags:
        values = _values(order, tag)
        if values is not None:
            _move(tag[0], values, linear, offset)
            tag = (*tag[:3], values.tobytes())
        new.append(tag)
    return {**metadata, "tiff": (order, new)}


def _values(order: str, tag: _Tag) -> NDArray | None:
    """Return the numbers of a tag that tells places; None of others, and of what is damaged."""
    code, kind, _, stored = tag
    size = 8 * _LENGTHS.get(code, 0)
    if not size or kind != _DOUBLE or not stored or len(stored) % size:
        return None
    return np.frombuffer(stored, f"{order}f8").copy()


def _is_point(order: str, tags: list[_Tag]) -> bool:
    for code, kind, _, stored in tags:
        if code == _KEYS and kind == _SHORT and len(stored) % 8 == 0:
            keys = np.frombuffer(stored, f"{order}u2").reshape(-1, 4).tolist()
            return [_RASTER_TYPE, 0, 1, _PIXEL_IS_POINT] in keys
    return False


def _with_matrix(order: str, tags: list[_Tag]) -> list[_Tag]:
    """Return tags with a matrix in place of a scale and of the tie points it goes with."""
    told = {tag[0]: values for tag in tags if (values := _values(order, tag)) is not None}
    if _SCALE not in told or _TIE_POINTS not in told:
        return tags
    moves = told[_SCALE][:3] * (1, -1, 1)
    raster, place = told[_TIE_POINTS][:6].reshape(2, 3)
    matrix = np.eye(4, dtype=f"{order}f8")
    matrix[:3, :3], matrix[:3, 3] = np.diag(moves), place - moves * raster
    others = [tag for tag in tags if tag[0] not in _LENGTHS]
    return [*others, (_MATRIX, _DOUBLE, 16, matrix.tobytes())]


def _move(code: int, values: NDArray, linear: NDArray, offset: NDArray) -> None:
    back = np.linalg.inv(linear)
    if code == _SCALE:
        values[:2] = np.abs(back) @ values[:2]
    elif code == _TIE_POINTS:
        places = values.reshape(-1, 6)[:, :2]
        places[:] = places @ linear.T + offset
    else:
        matrix = values.reshape(-1, 4)
        matrix[:, :2] = matrix[:, :2] @ back
        matrix[:, 3] -= matrix[:, :2] @ offset
