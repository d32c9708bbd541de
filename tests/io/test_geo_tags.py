"""Places on Earth of GeoTIFF files that are enlarged."""

import numpy as np
import pytest
import tifffile

from raisr.cli import main
from raisr.io import geo_tags, read_image, write_image

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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("told", ["scale", "ties", "matrix"])
@pytest.mark.parametrize(("raster", "edge"), [(AREA, 0.0), (POINT, -0.5)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_turned_pixels_stay_where_they_are(tmp_path, orientation, told, raster, edge, byteorder):
    """A bright pixel's corners, and those of the image, by what a reader makes of the tags."""
    ties = [(3, 5, 0, 300, 700, 9), (20, 10, 0, 308.5, 698, 9), (3, 15, 0, 302, 697.5, 9)]
    tags = {
        "scale": [(SCALE, 12, 3, (0.5, 0.25, 2.0), True), (TIES, 12, 6, ties[0], True)],
        "ties": [(TIES, 12, 18, sum(ties, ()), True)],
        "matrix": [(MATRIX, 12, 16, (0.5, 0.1, 0, 300, 0.2, -0.25, 0, 700, *[0] * 8), True)],
    }[told]
    keys = (1, 1, 0, 1, 1025, 0, 1, raster)
    tags += [(KEYS, 3, 8, keys, True), (274, 3, 1, orientation, True)]
    image = np.zeros((20, 24), np.uint8)
    image[4, 7] = 255
    before, after = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(before, image, byteorder=byteorder, metadata=None, extratags=tags)
    write_image(after, *read_image(before))
    seen = []
    for path in (before, after):
        pixels, place = tifffile.imread(path), affine(path)
        row, column = np.argwhere(pixels)[0]
        corners = [
            (x + edge, y + edge)
            for top, left, h, w in ((row, column, 1, 1), (0, 0, *pixels.shape))
            for y in (top, top + h)
            for x in (left, left + w)
        ]
        seen.append(sorted(tuple(np.round(place @ (*corner, 1), 6)) for corner in corners))
    assert seen[0] == seen[1]
    with tifffile.TiffFile(after) as file:
        codes = set(file.pages.first.tags.keys()) & {SCALE, TIES, MATRIX}
    alone = {"scale": {SCALE, TIES} if orientation == 1 else {MATRIX}}
    assert codes == alone.get(told, {{"ties": TIES, "matrix": MATRIX}.get(told)})


def affine(path):
    """Return the matrix from (column, row, 1) to (x, y) that the tags of a file tell."""
    with tifffile.TiffFile(path) as file:
        tags = {code: file.pages.first.tags.valueof(code) for code in (SCALE, TIES, MATRIX)}
    if tags[MATRIX]:
        return np.reshape(tags[MATRIX], (4, 4))[:2, [0, 1, 3]]
    ties = np.reshape(tags[TIES], (-1, 6))
    if tags[SCALE]:
        moves = np.array(tags[SCALE][:2]) * (1, -1)
        return np.column_stack([np.diag(moves), ties[0, 3:5] - moves * ties[0, :2]])
    return np.linalg.solve(np.column_stack([ties[:, :2], np.ones(3)]), ties[:, 3:5]).T


def test_tags_of_other_kinds_stay():
    tags = [
        (SCALE, 11, 3, b"float"),
        (TIES, 12, 6, b"cut off"),
        (MATRIX, 12, 0, b""),
        (270, 2, 1, b""),
    ]
    assert geo_tags.enlarged({"tiff": ("<", tags)}, 2)["tiff"] == ("<", tags)
    assert geo_tags.enlarged({"dpi": (300, 300)}, 2) == {"dpi": (300, 300)}
