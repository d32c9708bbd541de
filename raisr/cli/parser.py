"""Arguments of the commands."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import raisr
from raisr.cli.deblock import deblock
from raisr.cli.denoise import denoise
from raisr.cli.export import export
from raisr.cli.help_texts import DESCRIPTION, EPILOGS, EXIT_STATUS
from raisr.cli.inspection import hash_file, info
from raisr.cli.learn import learn
from raisr.cli.levels import NoiseLevels
from raisr.cli.sharpen import sharpen
from raisr.cli.upscale import upscale
from raisr.denoising import KINDS
from raisr.sharpening import LARGEST, check_amount
from raisr.stabilisation import PhotonNoise
from raisr.upscaling import check_factor
from raisr.validate import data_range_of

__all__ = ["build_parser"]


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; ``run`` of what it parses is the function of the command."""
    parser = argparse.ArgumentParser("raisr", **_help("raisr", DESCRIPTION))
    parser.add_argument("--version", action="version", version=f"raisr {raisr.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, purpose: str, run: Callable) -> argparse.ArgumentParser:
        description = f"{purpose.capitalize()}."
        parser = commands.add_parser(name, help=purpose, **_help(name, description))
        parser.set_defaults(run=run)
        return parser

    denoising = command("denoise", "denoise a file, or every image of a folder", denoise)
    enlarging = command("upscale", "enlarge a file, or every image of a folder", upscale)
    cleaning = command("deblock", "clean a JPEG, or every image of a folder", deblock)
    sharpening = command("sharpen", "sharpen a file, or every image of a folder", sharpen)
    learning = command("learn", "learn filters from images", learn)
    hashing = command("hash", "draw the class of every pixel", hash_file)
    exporting = command("export", "write filters for C, or a network as ONNX", export)
    banks = command("info", "say what a filter bank holds, or what noise an image has", info)

    for changing in (denoising, enlarging, cleaning, sharpening):
        video = " .y4m video," if changing in (denoising, enlarging) else ""
        changing.add_argument(
            "input", metavar="IN", type=Path, help=f"image file, folder of them,{video} or -"
        )
        changing.add_argument(
            "output", metavar="OUT", type=Path, help="file or folder to write, or -"
        )
    _add_denoising(denoising)
    _add_enlarging(enlarging)
    _add_cleaning(cleaning)
    sharpening.add_argument(
        "--amount", type=_amount, default=1.0, help="from 0, nothing, to 2 (default: 1)"
    )
    _add_learning(learning)
    _add_hashing(hashing)
    _add_exporting(exporting)
    for parser_of_images in (denoising, enlarging, cleaning, sharpening, learning, hashing):
        parser_of_images.add_argument(
            "--white", type=_white, help="value of white (default: 255, 65535, or 1 for floats)"
        )
        parser_of_images.add_argument(
            "--threads", type=_positive, metavar="N", help="number of threads (default: all cores)"
        )
    for writing in (denoising, enlarging, cleaning, sharpening, learning, hashing, exporting):
        writing.add_argument(
            "--overwrite", action="store_true", help="replace output that is there already"
        )
    _add_info(banks)
    return parser


def _add_denoising(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sigma",
        type=_noise_levels,
        help="standard deviation of the noise, one or one for each channel (default: estimated)",
    )
    parser.add_argument(
        "--model",
        default="fast",
        help="fast or best (filters), small, base or finest (networks, with PyTorch), or a file "
        "that `raisr learn` made (default: fast)",
    )
    parser.add_argument(
        "--noise",
        type=_noise_kind,
        metavar="KIND",
        help="white, photon, camera, mosaic or photon=GAIN[,SIGMA[,OFFSET]] (default: found)",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="say what was found, and what was chosen"
    )
    parser.add_argument(
        "--axes", help="of a zarr or large TIFF: a letter for each, such as TZYX (default: its own)"
    )
    parser.add_argument(
        "--sparse", action="store_true", help="missing chunks of a zarr hold its fill value"
    )


def _add_enlarging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--factor", type=_factor, help="1.5, 2, 3 or 4 (default: 2, or that of the bank)"
    )
    parser.add_argument(
        "--model",
        default="fast",
        help="fast or best, or a file that `raisr learn --task upscale` made (default: fast)",
    )
    parser.add_argument(
        "--compressed",
        action=argparse.BooleanOptionalAction,
        help="remove what JPEG left, first (default: of JPEG files)",
    )
    parser.add_argument(
        "--census",
        action="store_true",
        help="mix with interpolation where neighbours changed sides: softer",
    )


def _add_cleaning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quality",
        type=_quality,
        metavar="Q",
        help="of the JPEG, 1 to 100 (default: by the tables of the file, else by its pixels)",
    )
    parser.add_argument(
        "--model", choices=("fast", "best"), default="fast", help="shipped filters (default: fast)"
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clean", metavar="DIR", type=Path, required=True, help="clean images")
    parser.add_argument(
        "--task", choices=("denoise", "upscale"), default="denoise", help="(default: denoise)"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--sigma", type=_noise_level, help="noise to add to the clean images")
    source.add_argument(
        "--noisy", metavar="DIR", type=Path, help="noisy or, to upscale, small images, named alike"
    )
    parser.add_argument(
        "-o", "--output", metavar="BANK", type=Path, required=True, help=".safetensors to write"
    )
    parser.add_argument(
        "--colour",
        action="store_true",
        default=None,
        help="a bank for colour images (default: of their luma)",
    )
    parser.add_argument("--spec", help="classes: csconv, raisr or blade (default: blade)")
    parser.add_argument("--size", type=int, help="side of the filters (default: 7)")
    parser.add_argument(
        "--stages",
        type=int,
        help="length of the cascade (default: 1; to upscale, 3, which is the most)",
    )
    parser.add_argument(
        "--symmetric",
        action=argparse.BooleanOptionalAction,
        help="learn from all eight rotations and flips; not so where the task has a direction, "
        "such as motion blur (default: compared on pixels that are held back)",
    )
    parser.add_argument("--seed", type=int, help="seed of the added noise (default: 0)")
    parser.add_argument(
        "--factor", type=_factor, metavar="N", help="of --task upscale: 2, 3 or 4 (default: 2)"
    )


def _add_hashing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", type=Path, help="image file")
    parser.add_argument("output", metavar="OUT.png", type=Path, help="picture to write")
    parser.add_argument("--spec", default="csconv", help="csconv, raisr, blade (default: csconv)")


def _add_exporting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="file of filters or of weights, or a name: of a gray bank as `raisr info` lists it, "
        "or of a network",
    )
    parser.add_argument("output", metavar="OUT", type=Path, help=".h or .onnx file to write")


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        help=".safetensors file, or image file (default: a list of the shipped models)",
    )
    parser.add_argument("--white", type=_white, help="value of white (default: as raisr denoise)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _help(name: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "epilog": f"{EPILOGS[name]}\n{EXIT_STATUS}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _noise_levels(text: str) -> NoiseLevels:
    try:
        return NoiseLevels.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a level such as 25 or 10%, not negative; got {text!r}"
        ) from None


def _noise_kind(text: str) -> str | PhotonNoise:
    if text in KINDS:
        return text
    name, _, numbers = text.partition("=")
    try:
        if name != "photon":
            raise ValueError(f"no {name!r}")
        return PhotonNoise(*map(float, numbers.split(",")))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(
            f"expected {', '.join(KINDS)} or photon=GAIN[,SIGMA[,OFFSET]], got {text!r}: {error}"
        ) from None


def _noise_level(text: str) -> NoiseLevels:
    levels = _noise_levels(text)
    if len(levels.parts) != 1:
        raise argparse.ArgumentTypeError(f"expected one level, as luma is learned; got {text!r}")
    return levels


def _factor(text: str) -> float:
    try:
        check_factor(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected 1.5, 2, 3 or 4, got {text!r}") from None
    return float(text)


def _quality(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 100):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 100, got {text!r}")
    return int(text)


def _amount(text: str) -> float:
    try:
        return check_amount(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number from 0 to {LARGEST:g}, got {text!r}"
        ) from None


def _white(text: str) -> float:
    try:
        return data_range_of(float, float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}") from None


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)
