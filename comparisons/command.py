"""What the commands of the comparisons share: options, and files written."""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from comparisons.draw.tables import Table
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.store import COMMITTED
from raisr.command import Parser
from raisr.datasets import dataset_names
from raisr.provenance import write_file, write_json


def table_parser(
    prog: str,
    description: str,
    *,
    protocols: Sequence[str],
    sigmas: Sequence[float],
    choices: Sequence[str] = tuple(PROTOCOLS),
    sets: Sequence[str] = ("sample",),
) -> argparse.ArgumentParser:
    """Return the parser with the options of every command that prints a table."""
    parser = Parser(prog=f"python -m {prog}", description=description)
    add_dataset_option(parser, "image sets", sets)
    add_protocol_options(parser, protocols=protocols, sigmas=sigmas, choices=choices)
    add_data_options(parser)
    parser.add_argument(
        "--seeds",
        action=ListOf,
        item=at_least(0),
        default=[0],
        metavar="N",
        help="noise draws to average over; the same ones for every method (default: 0)",
    )
    parser.add_argument(
        "--jobs",
        type=at_least(1),
        help="images in work at once, a thread each (default: all cores)",
    )
    parser.add_argument(
        "--from-results",
        nargs="?",
        type=Path,
        const=COMMITTED,
        metavar="DIR",
        help="compute nothing: render stored results, by default the committed ones",
    )
    add_output_option(parser, "the table, the pictures and the cache go")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="where the result files go (default: results in the folder --output)",
    )
    return parser


def figure_parser(
    prog: str, description: str, *, sigmas: Sequence[float]
) -> argparse.ArgumentParser:
    """Return the parser with the options of every command that draws a figure."""
    parser = Parser(prog=f"python -m {prog}", description=description.split("\n\n")[0])
    add_protocol_options(parser, protocols=list(PROTOCOLS), sigmas=sigmas)
    add_output_option(parser, "pictures and numbers go")
    return parser


def add_output_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --output; `what` goes there."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output"),
        metavar="DIR",
        help=f"where {what} (default: output)",
    )


def add_results_option(parser: argparse.ArgumentParser) -> None:
    """Add --results, the folder of stored results."""
    parser.add_argument(
        "--results",
        type=Path,
        default=COMMITTED,
        metavar="DIR",
        help="where results are read, and written by what measures (default: the committed ones)",
    )


def add_dataset_option(
    parser: argparse.ArgumentParser, what: str, sets: Sequence[str] = ("sample",)
) -> None:
    """Add --datasets; `what` says what they are for."""
    parser.add_argument(
        "--datasets",
        action=ListOf,
        item=one_of(dataset_names()),
        default=list(sets),
        metavar="SET",
        help=f"{what}, of {', '.join(dataset_names())} (default: {' '.join(sets)})",
    )


def add_protocol_options(
    parser: argparse.ArgumentParser,
    *,
    protocols: Sequence[str],
    sigmas: Sequence[float],
    choices: Sequence[str] = tuple(PROTOCOLS),
) -> None:
    """Add --protocol and --sigma with these defaults."""
    parser.add_argument(
        "--protocol",
        action=ListOf,
        item=one_of(list(choices)),
        default=list(protocols),
        metavar="NAME",
        help=f"one or more of {', '.join(choices)} (default: {' '.join(protocols)})",
    )
    add_sigma_option(parser, sigmas)


def add_sigma_option(parser: argparse.ArgumentParser, sigmas: Sequence[float]) -> None:
    """Add --sigma with this default."""
    parser.add_argument(
        "--sigma",
        action=ListOf,
        item=_sigma,
        default=list(map(float, sigmas)),
        metavar="S",
        help=f"noise levels in gray levels (default: {' '.join(f'{s:g}' for s in sigmas)})",
    )


def add_choices_option(
    parser: argparse.ArgumentParser, flag: str, choices: Sequence[object], metavar: str = "NAME"
) -> None:
    """Add an option that takes one or more of some choices, as text; default: all of them."""
    names = list(map(str, choices))
    parser.add_argument(
        flag,
        action=ListOf,
        item=one_of(names),
        default=names,
        metavar=metavar,
        help=f"one or more of {', '.join(names)} (default: all)",
    )


def add_learning_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that learns shipped filters has: --download and --hold-back."""
    add_data_options(parser)
    parser.add_argument(
        "--hold-back",
        action="store_true",
        help="learn from a part of bsd400 and tell the PSNR on the rest; write no filters",
    )


def add_every_option(parser: argparse.ArgumentParser, default: int = 1) -> None:
    """Add --every, which thins the training images."""
    parser.add_argument(
        "--every",
        type=at_least(1),
        default=default,
        metavar="N",
        help=f"learn from every Nth image, of all by 1 (default: {default})",
    )


def add_documents_option(parser: argparse.ArgumentParser) -> None:
    """Add --documents, for banks whose other classes are there."""
    parser.add_argument(
        "--documents",
        action="store_true",
        help="learn the classes of documents alone, for banks that are there without these",
    )


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add --download."""
    parser.add_argument(
        "--download",
        action="store_true",
        help="fetch image sets that are not in $RAISR_DATA from their public addresses",
    )


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """Parse the options of a `table_parser`; the folder of results follows --output."""
    options = parser.parse_args(arguments)
    options.results = options.results or options.output / "results"
    if options.from_results and not options.from_results.is_dir():
        raise FileNotFoundError(f"--from-results: no folder {options.from_results}")
    return options


def publish(tables: list[Table], folder: Path, stem: str) -> list[Path]:
    """Print tables on the terminal and write them as Markdown, LaTeX and JSON.

    Returns
    -------
    list of Path
        The files written: `stem`.md, .tex and .json in `folder`.
    """
    for table in tables:
        table.print()
    markdown, latex, data = (folder / f"{stem}{suffix}" for suffix in (".md", ".tex", ".json"))
    write_file(markdown, "\n".join(table.to_markdown() for table in tables))
    write_file(latex, "\n".join(table.to_latex() for table in tables))
    write_json(data, [table.to_dict() for table in tables])
    return [markdown, latex, data]


def announce(paths: list[Path]) -> None:
    """Say which files were written."""
    print("wrote " + ", ".join(map(str, paths)))


def one_of(choices: list[str]) -> Callable[[str], str]:
    """Return the converter of a name that must be one of `choices`."""

    def convert(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"no {text!r}; choose from {', '.join(choices)}")
        return text

    return convert


def at_least(least: int) -> Callable[[str], int]:
    """Return the converter of a whole number that is not below `least`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"wanted a whole number from {least}, got {text!r}")
        return int(text)

    return convert


class ListOf(argparse.Action):
    """Values separated by spaces or commas, each converted by `item`."""

    def __init__(self, *, item: Callable[[str], Any], **options: Any) -> None:
        super().__init__(nargs="+", **options)
        self.item = item

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Convert the values and keep each once."""
        try:
            items = [self.item(text) for value in values for text in value.split(",") if text]
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentError(self, str(error)) from error
        if not items:
            raise argparse.ArgumentError(self, "wanted one value or more, got none")
        setattr(namespace, self.dest, list(dict.fromkeys(items)))


def _sigma(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 255:
        raise argparse.ArgumentTypeError(f"wanted a noise level above 0, at most 255, got {text!r}")
    return value
