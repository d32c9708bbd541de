"""`raisr hash` draws the classes of an image; `raisr info` tells of a bank, or of noise."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import raisr
from raisr.cli.checks import check_target, load_bank, named, white_fits
from raisr.cli.noise_report import noise_facts, told_in_words
from raisr.cli.planes import read_luma, white_of
from raisr.io import SUFFIXES, write_image
from raisr.plotting import class_map_picture
from raisr.shipped import read_facts

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank

__all__ = ["hash_file", "info"]


def hash_file(arguments: Namespace) -> int:
    """Draw the class map of an image."""
    check_target(arguments.output, arguments)
    spec = raisr.HashSpec.preset(arguments.spec)
    luma, pixels = read_luma(arguments.input)
    white = white_of(pixels, arguments.white)
    with named(arguments.input), white_fits(white):
        classes = raisr.hash_image(luma, spec, data_range=white, num_threads=arguments.threads)
    write_image(arguments.output, class_map_picture(classes, spec))
    return 0


def info(arguments: Namespace) -> int:
    """Describe a bank, or the noise of an image; of other shipped parts, what headers tell.

    Without a file, list the shipped models.
    """
    if arguments.file is None:
        _list_models(arguments)
        return 0
    if arguments.file.suffix.lower() in SUFFIXES:
        _tell_noise(arguments)
        return 0
    try:
        bank = load_bank(arguments.file)
    except ValueError as error:
        try:
            kind, facts = read_facts(arguments.file)
        except ValueError:
            if arguments.file.suffix != ".safetensors":
                raise ValueError(f"{arguments.file}: neither an image file nor a bank") from error
            raise error from None
        told = {"kind": kind, **facts}
        print(json.dumps(told, indent=2) if arguments.json else "\n".join(_listed(told)))
        return 0
    parts = {"": bank} if isinstance(bank, raisr.FilterBank) else _parts(bank)
    if arguments.json:
        found = {name: part.info() for name, part in parts.items()}
        print(json.dumps(found.get("", found), indent=2))
    else:
        print("\n".join(name + _summary(part) for name, part in parts.items()))
    return 0


def _tell_noise(arguments: Namespace) -> None:
    with named(arguments.file):
        pages = noise_facts(arguments.file, arguments.white)
    if arguments.json:
        print(json.dumps(pages[0] if len(pages) == 1 else pages, indent=2))
    else:
        print("\n".join(line for facts in pages for line in told_in_words(facts)))


def _list_models(arguments: Namespace) -> None:
    models = raisr.list_models()
    if arguments.json:
        print(json.dumps([asdict(model) for model in models], indent=2))
        return
    rows = [("name", "task", "kind", "for", "learned from", "size")]
    for model in models:
        purpose = [f"factor {model.factor}"] if model.factor else []
        purpose += ["{} {:g}".format(*model.level)] if model.level else []
        images = f"{model.training_images} of {model.training_set}" if model.training_set else ""
        size = f"{model.size / 1e6:.2f} MB" if model.size else ""
        rows.append((model.name, model.task, model.kind, ", ".join(purpose), images, size))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    licences = dict.fromkeys(model.licence for model in models if model.licence)
    print("\n".join(["", *(f"licence: {licence}" for licence in licences)]))


def _parts(bank: ColourBank) -> dict[str, FilterBank]:
    wide, narrow = bank.chroma
    return {"luma: ": bank.luma, "chroma, red less blue: ": wide, "chroma, green: ": narrow}


def _summary(bank: FilterBank) -> str:
    lines = []
    for index, (stage, values) in enumerate(zip(bank.stages, bank.info()["stages"], strict=True)):
        shape = " x ".join(map(str, stage.spec.shape))
        lines += [
            f"stage {index + 1} of {len(bank.stages)}",
            f"  {stage.spec.num_classes} classes (orientation x strength x coherence: {shape})",
            f"  {stage.spec.num_classes} filters of {stage.size} x {stage.size} on {stage.planes} "
            f"plane(s): {values['macs_per_pixel']} multiplications a pixel",
            *_listed(stage.spec.to_dict()),
        ]
    return "\n".join([*lines, "training", *_listed(bank.metadata)])


def _listed(values: dict[str, Any]) -> list[str]:
    def text(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(text, value)) or "none"
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    return [f"    {key:<18} {text(value)}" for key, value in values.items()]
