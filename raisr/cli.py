"""The command line: `raisr denoise | learn | hash | info`."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import raisr
from raisr import _commands

_DESCRIPTION = """\
Denoise images with small learned filters, learn filters from your own images,
and look at what was learned."""

_EXIT_STATUS = """\
exit status:
  0    everything was done
  1    some work failed: an image of a folder, a full disk
  2    wrong usage or bad input
  130  interrupted by Ctrl-C"""

_EPILOGS = {
    "raisr": """\
examples:
  raisr denoise noisy.png clean.png
  raisr learn --clean photos --sigma 25 -o mine.safetensors
  raisr denoise --model mine.safetensors noisy.png clean.png
  raisr hash photo.jpg classes.png
  raisr info mine.safetensors

Each command explains itself, for example: raisr denoise --help
""",
    "denoise": """\
PNG, JPEG, BMP and TIFF files are read, with 8 or 16 bits or, in a TIFF, floats;
the result has the same depth. Transparency is copied.

The noise level --sigma counts in the file's own values, where white is 255 in
an 8-bit file, 65535 in a 16-bit file and 1 in a float file: noise of 25 in an
8-bit file is 6425 in its 16-bit version. A percentage of white means the same
in every file: 10% is 25.5 in an 8-bit file.

A folder is searched for images with all its subfolders, and each result gets
the same name below OUT. Results that are there already are kept, so that an
interrupted run goes on where it stopped.

examples:
  raisr denoise noisy.png clean.png                  the noise is estimated
  raisr denoise --sigma 25 --model best noisy.jpg clean.png
  raisr denoise --sigma 5% scans denoised            each image below scans
""",
    "learn": """\
Either noise is added to clean images (--sigma), or the filters are learned from
pairs: files of the same name below --clean and --noisy. Colour images are
learned from by their luma. All files must have one kind of values: 8-bit,
16-bit or float. --sigma counts in these values or in percent of white.

examples:
  raisr learn --clean photos --sigma 25 -o sigma25.safetensors
  raisr learn --clean sharp --noisy camera --stages 3 -o camera.safetensors
  raisr denoise --model camera.safetensors noisy.png clean.png
""",
    "hash": """\
Hue is the orientation of the gradient, brightness its strength and saturation
its coherence: flat regions are dark, straight edges bright and colourful.

examples:
  raisr hash photo.jpg classes.png
  raisr hash --spec blade photo.jpg classes.png
""",
    "info": """\
examples:
  raisr info mine.safetensors
  raisr info --json mine.safetensors
""",
}

_BAD_INPUT = (
    ValueError,
    TypeError,
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default: those of the process.

    Returns
    -------
    status : int
        0 if all is done, 1 if some work failed, 2 for bad input, 130 after Ctrl-C.
    """
    arguments = build_parser().parse_args(argv)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # its errors are raised as well
    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("raisr: interrupted", file=sys.stderr)
        return 130
    except (OSError, ValueError, TypeError) as error:
        print(f"raisr: {_commands.describe(error)}", file=sys.stderr)
        return 2 if isinstance(error, _BAD_INPUT) else 1


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; ``run`` of what it parses is the function of the command."""
    parser = argparse.ArgumentParser("raisr", **_help("raisr", _DESCRIPTION))
    parser.add_argument("--version", action="version", version=f"raisr {raisr.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, purpose: str, run: Callable) -> argparse.ArgumentParser:
        description = f"{purpose.capitalize()}."
        parser = commands.add_parser(name, help=purpose, **_help(name, description))
        parser.set_defaults(run=run)
        return parser

    denoise = command("denoise", "denoise a file, or every image of a folder", _commands.denoise)
    denoise.add_argument("input", metavar="IN", type=Path, help="image file, or folder of them")
    denoise.add_argument("output", metavar="OUT", type=Path, help="file or folder to write")
    denoise.add_argument(
        "--sigma", type=_noise_level, help="standard deviation of the noise (default: estimated)"
    )
    denoise.add_argument(
        "--model",
        default="fast",
        metavar="fast|best|BANK",
        help="shipped filters, or a file that `raisr learn` made (default: fast)",
    )

    learn = command("learn", "learn filters from images", _commands.learn)
    learn.add_argument("--clean", metavar="DIR", type=Path, required=True, help="clean images")
    source = learn.add_mutually_exclusive_group(required=True)
    source.add_argument("--sigma", type=_noise_level, help="noise to add to the clean images")
    source.add_argument("--noisy", metavar="DIR", type=Path, help="noisy images, named alike")
    learn.add_argument(
        "-o", "--output", metavar="BANK", type=Path, required=True, help=".safetensors to write"
    )
    learn.add_argument("--spec", help="classes: csconv, raisr or blade (default: blade)")
    learn.add_argument("--size", type=int, default=7, help="side of the filters (default: 7)")
    learn.add_argument("--stages", type=int, default=1, help="length of the cascade (default: 1)")
    learn.add_argument("--seed", type=int, default=0, help="seed of the added noise (default: 0)")

    hashing = command("hash", "draw the class of every pixel", _commands.hash_file)
    hashing.add_argument("input", metavar="IN", type=Path, help="image file")
    hashing.add_argument("output", metavar="OUT.png", type=Path, help="picture to write")
    hashing.add_argument("--spec", default="csconv", help="csconv, raisr, blade (default: csconv)")

    for parser_of_images in (denoise, learn, hashing):
        parser_of_images.add_argument(
            "--white", type=float, help="value of white (default: 255, 65535, or 1 for floats)"
        )
        parser_of_images.add_argument(
            "--threads", type=_positive, metavar="N", help="number of threads (default: all cores)"
        )
        parser_of_images.add_argument(
            "--overwrite", action="store_true", help="replace output that is there already"
        )

    info = command("info", "say what a filter bank holds", _commands.info)
    info.add_argument("bank", metavar="BANK", type=Path, help=".safetensors file")
    info.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _help(name: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "epilog": f"{_EPILOGS[name]}\n{_EXIT_STATUS}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _noise_level(text: str) -> _commands.NoiseLevel:
    try:
        return _commands.NoiseLevel.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a level such as 25 or 10%, not negative; got {text!r}"
        ) from None


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)
