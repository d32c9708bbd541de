"""`raisr learn`: a bank from folders of images."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import raisr
from raisr.cli.checks import check_target
from raisr.cli.learn_upscaling import learn_to_upscale
from raisr.cli.training_pairs import TrainingPairs

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank

__all__ = ["learn"]

_FOREIGN = {  # options that have no effect, by task
    "denoise": ("factor",),
    "upscale": ("sigma", "colour", "spec", "size", "seed", "symmetric"),
}
_HINTS = defaultdict(lambda: ": leave it out", factor=": --task upscale has one")


def learn(arguments: Namespace) -> int:
    """Learn a bank and save it."""
    output = arguments.output
    if output.suffix != ".safetensors":
        raise ValueError(f"{output}: the name of a bank must end in .safetensors")
    for name in _FOREIGN[arguments.task]:
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} has no effect with --task {arguments.task}{_HINTS[name]}")
    check_target(output, arguments)
    if arguments.task == "upscale":
        bank, count, rest = learn_to_upscale(arguments)
    else:
        bank, count, rest = _learn_from_pairs(arguments)
    bank.save(output)
    print(
        f"{output}: learned from {count} images{_score(bank.metadata)}{rest}; "
        f"`raisr info {output}` describes it"
    )
    return 0


def _learn_from_pairs(arguments: Namespace) -> tuple[FilterBank | ColourBank, int, str]:
    """Return a bank, from how many images it was learned, and what was left out."""
    if arguments.sigma is None and arguments.noisy is None:
        raise ValueError("one of the arguments --sigma --noisy is required")
    pairs = TrainingPairs(arguments)
    bank = raisr.learn_filters(
        pairs,
        arguments.spec,
        size=7 if arguments.size is None else arguments.size,
        stages=arguments.stages,
        symmetric=arguments.symmetric,
        channel_axis=-1 if arguments.colour else None,
        data_range=pairs.white,
        num_threads=arguments.threads,
    )
    bank.metadata.update(pairs.facts())
    directed = arguments.symmetric is None and not bank.metadata["symmetric"]
    found = "; the task has a direction: filters are not symmetric" if directed else ""
    return bank, len(pairs), found + pairs.left_out()


def _score(metadata: dict[str, Any]) -> str:
    """Say how much the bank helps, where learning measured it."""
    if not {"psnr_before", "psnr_after"} <= metadata.keys():
        return ""
    before, after = metadata["psnr_before"], metadata["psnr_after"]
    verdict = "" if after > before else ": the filters do not help"
    return f", PSNR {before:.2f} dB before, {after:.2f} dB after{verdict}"
