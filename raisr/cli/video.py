"""Videos (Y4M) go through a command frame by frame, in order, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Protocol

from tqdm import tqdm

from raisr.files import open_atomically
from raisr.io.y4m import Frame, VideoHeader, VideoReader, write_frame

__all__ = ["STREAM", "VideoWork", "change_video"]

STREAM = Path("-")
"""Standard input or output."""


class VideoWork(Protocol):
    """What a command does to a video."""

    def begin(self, header: VideoHeader) -> VideoHeader:
        """Look at the header of a video and return that of the result.

        Raises
        ------
        ValueError
            For a video that this command cannot work on.
        """

    def run(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield a frame of the result for each one, in order; a few are kept in memory."""

    def told(self) -> str:
        """Say what was done, after all is done."""


def change_video(reader: VideoReader, target: Path, work: VideoWork) -> int:
    """Do the work on each frame, and write a file, when all are done, or standard output."""
    if target != STREAM and target.suffix.lower() != ".y4m":
        raise ValueError(f"{target}: a video is written to a file whose name ends in .y4m, or to -")
    count = 0
    try:
        header = work.begin(reader.header)
        with _opened(target) as file:
            for frame in tqdm(work.run(reader), unit="frame", disable=None):
                if not count:
                    file.write(header.encode())
                write_frame(file, header, frame)
                count += 1
            if not count:
                raise ValueError("it has no frames")
            file.flush()
    except ValueError as error:
        told = str(error)
        raise ValueError(
            told if told.startswith(reader.name) else f"{reader.name}: {told}"
        ) from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{count} frames were done") from None
    name = "standard output" if target == STREAM else target
    stream = sys.stderr if target == STREAM else sys.stdout
    print(f"{name}: {count} frames: {work.told()}", file=stream)
    return 0


def _opened(target: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdout.buffer) if target == STREAM else open_atomically(target)
