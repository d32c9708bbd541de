"""`raisr export`: filters for C, networks for other runtimes."""

from __future__ import annotations

from argparse import Namespace
from importlib.metadata import entry_points
from pathlib import Path

import raisr
from raisr.cli.checks import check_target, load_bank
from raisr.shipped import EXPORTERS, shipped_path

__all__ = ["export"]


def export(arguments: Namespace) -> int:
    """Write a bank as a C header, or a network as an ONNX file: the ending tells."""
    name, output = arguments.model, arguments.output
    check_target(output, arguments)
    if output.suffix == ".h":
        raisr.export_c(load_bank(_bank_file(name)), output)
    else:
        _export_network(name, output)
    print(f"{output}: written")
    return 0


def _bank_file(name: str) -> Path:
    path = Path(name)
    if not path.is_file() and (shipped := shipped_path(name)).is_file():
        return shipped
    return path


def _export_network(name: str, output: Path) -> None:
    found = entry_points(group=EXPORTERS, name=output.suffix)
    if not output.suffix or not found:
        known = sorted({".h", *entry_points(group=EXPORTERS).names})
        raise ValueError(f"{output}: the name must end in {' or '.join(known)}")
    try:
        next(iter(found)).load()(name, output)
    except ModuleNotFoundError as error:
        raise ValueError(f"{output}: {error}: install the extra `export` of this package") from None
