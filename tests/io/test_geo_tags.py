"""Places on Earth of GeoTIFF files that are enlarged."""

import numpy as np
import pytest
import tifffile

from raisr.cli import main
from raisr.io import geo_tags

SCALE, TIES, MATRIX, KEYS = 33550, 33922, 34264, 34735
AREA, POINT = 1, 2


def tagged(path, raster, byteorder="<"):
    """Write a picture of 20 x 24 pixels whose place is known by a scale, ties, and a matrix."""
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, raster)
    matrix = (0.5, 0.1, 0, 300, 0.2, -0.25, 0, 700, 0, 0, 0, 9, 0, 0, 0, 1)
    extratags = [
        (SCALE, 12, 3, (0.5, 0.25, 2.0), True),
        (TIES, 12, 12, (3, 5, 0, 300, 700, 9, 20, 10, 0, 308.5, 698.75, 9), True),
        (MATRIX, 12, 16, matrix, True),
        (KEYS, 3, len(keys), keys, True),
    ]
    image = np.arange(480, dtype=np.uint8).reshape(20, 24)
    tifffile.imwrite(path, image, byteorder=byteorder, metadata=None, extratags=extratags)


def places(path, column, row):
    """Return where a point of the raster lies, by each tie point and by the matrix."""
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        scale, ties, matrix = (np.array(tags[code].value) for code in (SCALE, TIES, MATRIX))
    moves = scale[:2] * (1, -1)
    by_ties = [tie[3:5] + ((column, row) - tie[:2]) * moves for tie in ties.reshape(2, 6)]
    return [*by_ties, (matrix.reshape(4, 4) @ (column, row, 0, 1))[:2]]


@pytest.mark.parametrize("factor", ["1.5", "2", "3"])
@pytest.mark.parametrize(("raster", "edge"), [(AREA, 0.0), (POINT, -0.5)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_corners_stay_where_they_are(tmp_path, raster, edge, factor, byteorder):
    before, after = tmp_path / "a.tif", tmp_path / "b.tif"
    tagged(before, raster, byteorder)
    assert main(["upscale", "--factor", factor, str(before), str(after)]) == 0
    for column, row in ((0, 0), (24, 20), (24, 0)):
        old = places(before, column + edge, row + edge)
        new = places(after, column * float(factor) + edge, row * float(factor) + edge)
        np.testing.assert_allclose(new, old, atol=1e-9)
    with tifffile.TiffFile(after) as file:
        assert file.pages.first.tags[SCALE].value[2] == 2.0


def test_tags_of_other_kinds_stay():
    tags = [
        (SCALE, 11, 3, b"float"),
        (TIES, 12, 6, b"cut off"),
        (MATRIX, 12, 0, b""),
        (270, 2, 1, b""),
    ]
    assert geo_tags.enlarged({"tiff": ("<", tags)}, 2)["tiff"] == ("<", tags)
    assert geo_tags.enlarged({"dpi": (300, 300)}, 2) == {"dpi": (300, 300)}
