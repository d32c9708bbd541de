"""Raw video: a stream of YUV4MPEG2 (Y4M), a line of parameters and then planes, frame by frame."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, NamedTuple

import numpy as np

__all__ = ["MAGIC", "Frame", "VideoHeader", "VideoReader", "write_frame"]

MAGIC = b"YUV4MPEG2"
"""What a stream begins with."""

_LONGEST = 1 << 12  # bytes of a line
_LARGEST = 1 << 16  # pixels of a side
_COLOURS = re.compile(
    r"mono(?P<gray>\d+)?|(?P<sampling>4\d\d)(?:p(?P<depth>\d+)|(?P<variant>jpeg|mpeg2|paldv))?"
)
_STEPS = {"420": (2, 2), "422": (1, 2), "444": (1, 1), "411": (1, 4)}  # luma pixels of a sample
_CENTRED, _LEFT, _TOP_LEFT = (True, True), (True, False), (False, False)
_FORMS = {
    "W": (r"[1-9]\d*", "the width, from 1"),
    "H": (r"[1-9]\d*", "the height, from 1"),
    "F": (r"\d+:\d+", "a rate such as F25:1"),
    "A": (r"\d+:\d+", "an aspect such as A1:1"),
    "I": (r"[ptbm?]", "Ip, It, Ib, Im or I?"),
    "C": (r"\w+", "a colour space such as C420jpeg"),
}


class Frame(NamedTuple):
    """One picture.

    Attributes
    ----------
    planes : tuple of (H, W) arrays, uint8 or uint16
        Luma, and two of chroma unless the video is gray.
    parameters : str
        What follows FRAME in its line.
    """

    planes: tuple[np.ndarray, ...]
    parameters: str = ""


@dataclass(frozen=True)
class VideoHeader:
    """The first line of a stream.

    Parameters
    ----------
    parameters : tuple of str
        Tags with their values, as "W720", in the order of the line; unknown ones are kept.

    Raises
    ------
    ValueError
        For a width or height that is missing or above 65536, a value in another form, a
        parameter that is there twice, or a colour space other than mono, 420, 422, 444 and 411
        of 8 to 16 bits.
    """

    parameters: tuple[str, ...]

    def __post_init__(self):
        for tag, (form, wanted) in _FORMS.items():
            found = [text[1:] for text in self.parameters if text[0] == tag]
            if len(found) > 1 or not all(re.fullmatch(form, value) for value in found):
                raise ValueError(f"its parameter {tag} is {' and '.join(found)}: not {wanted}")
            if tag in "WH" and not (found and int(found[0]) <= _LARGEST):
                raise ValueError(f"its parameter {tag} is not from 1 to {_LARGEST}, or missing")
        self.depth  # noqa: B018 - refuses other colour spaces

    def _value(self, tag: str, default: str = "") -> str:
        return next((text[1:] for text in self.parameters if text[0] == tag), default)

    @property
    def width(self) -> int:
        """Pixels of luma in a row."""
        return int(self._value("W"))

    @property
    def height(self) -> int:
        """Rows of luma."""
        return int(self._value("H"))

    @property
    def is_interlaced(self) -> bool:
        """Whether even and odd rows are, or may be, of different times."""
        return self._value("I", "?") in "tbm"

    @cached_property
    def _colour(self) -> tuple[str, str, int]:
        """Sampling ("" for gray), variant, and bits of a sample."""
        name = self._value("C", "420jpeg")
        found = _COLOURS.fullmatch(name)
        sampling, variant = (found["sampling"] or "", found["variant"] or "") if found else ("", "")
        depth = int(found["gray"] or found["depth"] or 8) if found else 0
        unknown = (sampling and sampling not in _STEPS) or (variant and sampling != "420")
        if unknown or not 8 <= depth <= 16:
            raise ValueError(
                f"its colour space is {name}; expected mono, 420, 422, 444 or 411, of 8 to 16 bits"
            )
        return sampling, variant, depth

    @property
    def depth(self) -> int:
        """Bits of a sample."""
        return self._colour[2]

    @property
    def largest(self) -> int:
        """The largest value of a sample."""
        return (1 << self.depth) - 1

    @property
    def white(self) -> float:
        """What 255 of 8 bits is: values of more bits are these, shifted."""
        return float(255 << (self.depth - 8))

    @property
    def dtype(self) -> np.dtype:
        """Type of a sample, in little-endian order."""
        return np.dtype("u1" if self.depth == 8 else "<u2")

    @property
    def steps(self) -> tuple[int, int]:
        """Rows and columns of luma that go with one sample of chroma."""
        return _STEPS.get(self._colour[0], (1, 1))

    @property
    def siting(self) -> tuple[float, float]:
        """Where a chroma sample lies, down and across, in samples from the edge of its block.

        1/2 is the middle, as in JPEG and where nothing is skipped; half a pixel of luma is the
        first of them. 4:2:0 lies at the left, as in MPEG-2, if it says so or has more than 8
        bits; "paldv" at the top left; 4:2:2 and 4:1:1 at the left.
        """
        sampling, variant, depth = self._colour
        centred = _LEFT if sampling in ("422", "411") or depth > 8 else _CENTRED
        centred = {"mpeg2": _LEFT, "paldv": _TOP_LEFT}.get(variant, centred)
        down, across = (
            0.5 if middle else 0.5 / step for middle, step in zip(centred, self.steps, strict=True)
        )
        return down, across

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each plane."""
        luma = self.height, self.width
        if not self._colour[0]:
            return [luma]
        down, across = (-(-side // step) for side, step in zip(luma, self.steps, strict=True))
        return [luma, (down, across), (down, across)]

    def resized(self, height: int, width: int) -> "VideoHeader":
        """Return the header of a video of another size."""
        sides = {"W": width, "H": height}
        return VideoHeader(
            tuple(
                f"{text[0]}{sides[text[0]]}" if text[0] in sides else text
                for text in self.parameters
            )
        )

    def encode(self) -> bytes:
        """Return the line."""
        return b" ".join([MAGIC, *(text.encode("latin-1") for text in self.parameters)]) + b"\n"


class VideoReader:
    """The frames of a stream whose first bytes, `MAGIC`, were read already.

    Parameters
    ----------
    stream : binary file
        Buffered; what it holds is read once, frame by frame.
    name : str
        What errors call it.

    Raises
    ------
    ValueError
        On the way, too: for a damaged header, a frame that is cut off or does not begin as one,
        or values above the largest of the depth.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self.name = stream, name
        line = stream.readline(_LONGEST)
        if not line.endswith(b"\n") or line[:1] not in b" \n":
            raise ValueError(f"{name}: the header of this Y4M video is damaged or cut off")
        try:
            self.header = VideoHeader(tuple(filter(None, line.decode("latin-1")[:-1].split(" "))))
        except ValueError as error:
            raise ValueError(f"{name}: the header of this Y4M video is bad: {error}") from None

    def __iter__(self) -> Iterator[Frame]:
        number = 0
        while line := self._stream.readline(_LONGEST):
            number += 1
            yield self._frame(line, f"{self.name}: frame {number}")

    def _frame(self, line: bytes, where: str) -> Frame:
        found = re.fullmatch(rb"FRAME(?: (.*))?\n", line)
        if not found:
            raise ValueError(f"{where} does not begin with a whole line of FRAME: {line[:20]!r}")
        shapes, dtype = self.header.shapes, self.header.dtype
        sizes = [height * width for height, width in shapes]
        wanted = sum(sizes) * dtype.itemsize
        data = self._stream.read(wanted)
        if len(data) < wanted:
            raise ValueError(f"{where} is cut off: it has {len(data)} of {wanted} bytes")
        samples = np.frombuffer(data, dtype)
        if samples.max() > self.header.largest:
            raise ValueError(f"{where} has values above {self.header.largest}")
        parts = np.split(samples, np.cumsum(sizes)[:-1])
        planes = tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
        return Frame(planes, (found[1] or b"").decode("latin-1"))


def write_frame(stream: BinaryIO, header: VideoHeader, frame: Frame) -> None:
    """Write a frame of planes in the shapes and the type of the header."""
    if [plane.shape for plane in frame.planes] != header.shapes:
        raise ValueError(f"planes of {header.shapes} expected, not of other shapes")
    line = f"FRAME {frame.parameters}".rstrip().encode("latin-1")
    samples = [plane.astype(header.dtype, copy=False).tobytes() for plane in frame.planes]
    stream.write(b"".join([line, b"\n", *samples]))  # in one piece
