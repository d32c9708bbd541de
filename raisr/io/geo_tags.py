"""Where the pixels of a GeoTIFF lie on Earth, after its image was enlarged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["enlarged"]

_SCALE, _TIE_POINTS, _MATRIX, _KEYS = 33550, 33922, 34264, 34735
_LENGTHS = {_SCALE: 3, _TIE_POINTS: 6, _MATRIX: 16}
_SHORT, _DOUBLE = 3, 12
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2


def enlarged(metadata: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return the metadata of a page for an image whose sides are `factor` times as long.

    Notes
    -----
    OGC 19-008r4, GeoTIFF 1.1: the scale of pixels, tie points (column, row, level, and
    x, y, z) and a matrix from the first to the second. A column is counted from the left edge of
    the first pixel, or from its centre where the raster type is PixelIsPoint.
    """
    if "tiff" not in metadata:
        return metadata
    order, tags = metadata["tiff"]
    start = 0.5 if _is_point(order, tags) else 0.0
    new = []
    for code, kind, count, stored in tags:
        size = 8 * _LENGTHS.get(code, 0)
        if size and kind == _DOUBLE and stored and len(stored) % size == 0:
            values = np.frombuffer(stored, f"{order}f8").copy()
            _enlarge(code, values, factor, start)
            stored = values.tobytes()
        new.append((code, kind, count, stored))
    return {**metadata, "tiff": (order, new)}


def _is_point(order: str, tags: list[tuple[int, int, int, bytes]]) -> bool:
    for code, kind, _, stored in tags:
        if code == _KEYS and kind == _SHORT and len(stored) % 8 == 0:
            keys = np.frombuffer(stored, f"{order}u2").reshape(-1, 4).tolist()
            return [_RASTER_TYPE, 0, 1, _PIXEL_IS_POINT] in keys
    return False


def _enlarge(code: int, values: NDArray, factor: float, start: float) -> None:
    if code == _SCALE:
        values[:2] /= factor
    elif code == _TIE_POINTS:
        places = values.reshape(-1, 6)[:, :2]
        places[:] = (places + start) * factor - start
    else:
        matrix = values.reshape(-1, 4)
        matrix[:, :2] /= factor
        matrix[:, 3] += matrix[:, :2].sum(axis=1) * (start - factor * start)
