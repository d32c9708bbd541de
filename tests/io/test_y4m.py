"""Y4M streams: headers as they came, planes of every sampling, and streams that are damaged."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raisr.io.y4m import MAGIC, Frame, VideoHeader, VideoReader, write_frame

SAMPLINGS = {  # rows and columns of luma for a sample of chroma; where it lies in luma's pixels
    "420jpeg": (2, 2, 0.5, 0.5),
    "420": (2, 2, 0.5, 0.5),
    "420mpeg2": (2, 2, 0.5, 0.0),
    "420paldv": (2, 2, 0.0, 0.0),
    "420p10": (2, 2, 0.5, 0.0),
    "422": (1, 2, 0.0, 0.0),
    "422p12": (1, 2, 0.0, 0.0),
    "444": (1, 1, 0.0, 0.0),
    "444p16": (1, 1, 0.0, 0.0),
    "411": (1, 4, 0.0, 0.0),
}


def reader(data, name="clip"):
    assert data.startswith(MAGIC)
    return VideoReader(io.BytesIO(data[len(MAGIC) :]), name)


def stream(header, frames):
    out = io.BytesIO(header.encode())
    out.seek(0, io.SEEK_END)
    for frame in frames:
        write_frame(out, header, frame)
    return out.getvalue()


def random_frames(header, count=2):
    rng = np.random.default_rng(0)

    def plane(shape):
        return rng.integers(0, header.largest + 1, shape).astype(header.dtype)

    parameters = ["", "Ip XTEST=1", *[""] * count][:count]
    return [Frame(tuple(map(plane, header.shapes)), text) for text in parameters]


@pytest.mark.parametrize("colour", [None, "mono", "mono10", *SAMPLINGS])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (4, 8)])
def test_what_is_written_is_read(colour, height, width):
    texts = ["XFIRST=ä", f"W{width}", "F30000:1001", f"H{height}", "Ip", "A16:11", "XSECOND"]
    header = VideoHeader((*texts, *([f"C{colour}"] if colour else [])))
    frames = random_frames(header)
    data = stream(header, frames)
    found = reader(data)
    assert found.header == header
    for ours, theirs in zip(frames, found, strict=True):
        assert ours.parameters == theirs.parameters
        for a, b in zip(ours.planes, theirs.planes, strict=True):
            np.testing.assert_array_equal(a, b)
    samples = sum(plane.size for plane in frames[0].planes)
    lines = len(b"FRAME\nFRAME Ip XTEST=1\n")
    assert len(data) == len(header.encode()) + lines + 2 * samples * header.dtype.itemsize


@pytest.mark.parametrize("colour", SAMPLINGS)
def test_shapes_and_places_of_chroma(colour):
    header = VideoHeader(("W7", "H5", f"C{colour}"))
    rows, columns, down, across = SAMPLINGS[colour]
    assert header.shapes == [(5, 7), *[(-(-5 // rows), -(-7 // columns))] * 2]
    # From the middle of the first pixel of luma to the edge of the block, in samples of chroma.
    assert header.siting == ((down + 0.5) / rows, (across + 0.5) / columns)


def test_bytes_of_ten_bits_are_little_endian():
    header = VideoHeader(("W2", "H1", "Cmono10"))
    frame = Frame((np.array([[1, 0x3FF]], np.uint16),))
    assert stream(header, [frame]).endswith(b"FRAME\n\x01\x00\xff\x03")


def test_only_the_size_changes():
    header = VideoHeader(("XA=1", "H3", "It", "W4", "A1:1", "C422"))
    assert header.resized(9, 16).parameters == ("XA=1", "H9", "It", "W16", "A1:1", "C422")
    assert header.is_interlaced
    assert not VideoHeader(("W1", "H1")).is_interlaced


BAD = [
    ("H3", "parameter W is not from 1 to 65536, or missing"),
    ("W4", "parameter H is not from 1 to 65536, or missing"),
    ("W0 H3", "W is 0: not the width"),
    ("W-4 H3", "W is -4: not the width"),
    ("W4 H3.5", "H is 3.5: not the height"),
    ("W4 H99999999999", "parameter H is not from 1 to 65536"),
    ("W4 W5 H3", "W is 4 and 5"),
    ("W4 H3 F25", "F is 25: not a rate"),
    ("W4 H3 A", "A is : not an aspect"),
    ("W4 H3 Iz", "I is z: not Ip"),
    *[
        (f"W4 H3 C{colour}", f"its colour space is {colour}; expected mono, 420")
        for colour in ("rgb", "444alpha", "420p7", "420p17", "420p", "422jpeg", "440", "mono2")
    ],
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_bad_headers(line, message):
    with pytest.raises(ValueError, match=f"^clip: the header .* is bad: .*{message}"):
        reader(b"YUV4MPEG2 " + line.encode() + b"\n")


@pytest.mark.parametrize("data", [b"YUV4MPEG2", b"YUV4MPEG2 W4 H3", b"YUV4MPEG2W4 H3\n"])
def test_headers_that_are_cut_off(data):
    with pytest.raises(ValueError, match="clip: the header .* damaged or cut off"):
        reader(data)


def test_a_header_without_an_end_is_not_read_forever():
    with pytest.raises(ValueError, match="cut off"):
        reader(b"YUV4MPEG2 W4 H3 X" + b"x" * (1 << 20) + b"\n")


HEADER = VideoHeader(("W6", "H4", "C420p10"))


@pytest.mark.parametrize("rest", [1, 5, 6, 7, 40])
def test_a_frame_that_is_cut_off(rest):
    made = random_frames(HEADER, 3)
    frames = iter(reader(stream(HEADER, made)[: len(stream(HEADER, made[:2])) + rest]))
    next(frames)
    next(frames)
    with pytest.raises(ValueError, match="clip: frame 3 (is cut off: |does not begin with)"):
        next(frames)


def test_a_frame_without_its_name():
    data = stream(HEADER, random_frames(HEADER, 1)) + b"FRAMES\nxx"
    with pytest.raises(ValueError, match=r"clip: frame 2 does not begin .*FRAMES"):
        list(reader(data))


def test_values_above_the_depth_are_refused():
    header = VideoHeader(("W2", "H1", "Cmono10"))
    with pytest.raises(ValueError, match="clip: frame 1 has values above 1023"):
        list(reader(header.encode() + b"FRAME\n\x00\x04\x00\x00"))


def test_planes_of_another_shape_are_not_written():
    out = io.BytesIO()
    with pytest.raises(ValueError, match="planes of"):
        write_frame(out, HEADER, Frame((np.zeros((4, 6), np.uint16),)))
    assert not out.getvalue()


@given(st.binary(max_size=80))
def test_any_bytes_are_a_video_or_an_error_of_one_kind(rest):
    for head in (b"", b" W2 H2 Cmono\n", b" W2 H2 Cmono\nFRAME\n"):
        try:
            found = reader(MAGIC + head + rest)
            assert all(plane.size for frame in found for plane in frame.planes)
        except ValueError as error:
            assert str(error).startswith("clip: ")  # noqa: PT017
