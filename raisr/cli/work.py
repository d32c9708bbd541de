"""What every command that writes pictures does: with a file, a folder, a stream, or a video."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from raisr.cli.checks import check_target
from raisr.cli.large import is_large
from raisr.cli.report import Report
from raisr.cli.video import STREAM, VideoWork, change_video
from raisr.io import check_page, decode_picture, encode_picture, read_picture, write_picture
from raisr.io.folders import TIFF
from raisr.io.picture import Page, Picture
from raisr.io.y4m import MAGIC, VideoReader
from raisr.io.zarr_files import is_zarr

__all__ = ["Work", "change_file", "work_on"]


class Work(NamedTuple):
    """What a command does to each page, how it tells what was done, and in one word.

    `video` does it to videos, and `stream` to a whole file that need not fit in memory. `tell` is
    what else to say of what was done to a page, line by line.
    """

    change: Callable[[Page], tuple[Page, list[Any]]]
    describe: Callable[[list[Any]], tuple[str, bool]]
    done: str
    video: VideoWork | None = None
    stream: Callable[[Path, Path], Report] | None = None
    tell: Callable[[list[Any]], list[str]] = lambda changes: []


def work_on(arguments: Namespace) -> int:
    """Do the work of the arguments on one file, or on each image of a folder."""
    from raisr.cli.folder import change_folder

    source, target = arguments.input, arguments.output
    if source != STREAM and not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    if STREAM not in (source, target) and target.exists() and target.samefile(source):
        raise ValueError(f"{target}: IN and OUT must differ")
    if source != STREAM and source.is_dir() and not is_zarr(source):
        return change_folder(source, target, arguments)
    return _change_one(source, target, arguments)


def change_file(source: Path, target: Path, arguments: Namespace) -> Report:
    """Do the work on one file and say what was done."""
    if is_large(source, target):
        if arguments.work.stream is not None:
            return arguments.work.stream(source, target)
        if is_zarr(source) or target.suffix.lower() == ".zarr":
            raise ValueError(
                "a zarr is for raisr denoise only, and for filters: fast, best or a bank"
            )
    pages, report = _change_picture(read_picture(source), str(source), target, arguments)
    write_picture(target, pages)
    return report


def _change_one(source: Path, target: Path, arguments: Namespace) -> int:
    """Do the work on a picture or a video; streams are dashes."""
    name = "standard input" if source == STREAM else str(source)
    if target != STREAM:
        if target.is_dir() and source == STREAM:
            raise IsADirectoryError(f"{target}: a folder; a picture from {name} needs a file name")
        if target.is_dir() and not is_zarr(target):
            target = target / source.name
        check_target(target, arguments)
    elif source != STREAM and is_zarr(source):
        raise ValueError(f"{source}: a zarr is a folder; name one to write")
    elif sys.stdout.isatty():
        raise ValueError("standard output is a terminal: send the picture to a file or a program")
    if STREAM not in (source, target) and is_large(source, target):
        _tell(target, change_file(source, target, arguments), sys.stdout)
        return 0
    with nullcontext(sys.stdin.buffer) if source == STREAM else source.open("rb") as stream:
        start = stream.read(len(MAGIC))
        if start == MAGIC:
            if arguments.work.video is None:
                raise ValueError(f"{name}: a video, and this command is for pictures")
            return change_video(VideoReader(stream, name), target, arguments.work.video)
        if not start:
            raise ValueError(f"{name}: it is empty")
        picture = decode_picture(start + stream.read(), name)
    if target != STREAM:
        pages, report = _change_picture(picture, name, target, arguments)
        write_picture(target, pages)
        _tell(target, report, sys.stdout)
        return 0
    written_as = Path(f"standard output{picture.suffix}")
    pages, report = _change_picture(picture, name, written_as, arguments)
    sys.stdout.buffer.write(encode_picture(written_as, pages))
    sys.stdout.buffer.flush()
    _tell("standard output", report, sys.stderr)
    return 0


def _change_picture(
    picture: Picture, name: str, target: Path, arguments: Namespace
) -> tuple[list[Page], Report]:
    for page in picture.pages:  # before any work
        check_page(target, page)
    if len(picture.pages) > 1:
        _check_pages(picture, name, target)
    pages, changes = [], []
    for index, page in enumerate(picture.pages):
        where = f"{name}, page {index + 1}" if len(picture.pages) > 1 else name
        try:
            result, done = arguments.work.change(page)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{where}: {error}") from error
        for line in arguments.work.tell(done):
            print(f"{where}: {line}", file=sys.stderr)
        pages.append(result)
        changes += done
    text, little = arguments.work.describe(changes)
    if len(pages) > 1:
        text = f"{len(pages)} pages: {text}"
    return pages, Report(text, little, picture.notes)


def _check_pages(picture: Picture, name: str, target: Path) -> None:
    if target.suffix.lower() not in TIFF:
        raise ValueError(
            f"{target}: {name} has {len(picture.pages)} pages, which only a .tif file holds"
        )


def _tell(target, report: Report, stream) -> None:
    notes = "".join(f"; {note}" for note in report.notes)
    print(f"{target}: {report.text}{notes}", file=stream)
