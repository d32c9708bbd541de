"""`raisr denoise`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raisr.cli.checks import load_bank
from raisr.cli.denoise_video import VideoDenoiser
from raisr.cli.large import stream_with
from raisr.cli.levels import in_percent, in_words
from raisr.cli.networks import find_network
from raisr.cli.noise_report import told_in_words
from raisr.cli.pages import Change, denoise_page
from raisr.cli.plans import Settings
from raisr.cli.work import Work, work_on
from raisr.denoising import MODELS
from raisr.io.picture import Page
from raisr.shipped import network_names
from raisr.stabilisation import PhotonNoise

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank

__all__ = ["denoise"]

_LITTLE = 0.25  # of sigma: what is left of the noise then is more than what went
_LISTED = 5
_NAMES = {"photon": "photon", "camera": "camera", "mosaic": "camera"}


def denoise(arguments: Namespace) -> int:
    """Denoise one file, or each image of a folder."""
    model, network = _load_model(arguments)
    _check_noise(arguments, model)
    settings = Settings(
        *(arguments.sigma, arguments.white, model, arguments.threads, arguments.noise, network)
    )

    def change(page: Page) -> tuple[Page, list[Change]]:
        if arguments.axes or arguments.sparse:
            raise ValueError(
                "--axes and --sparse are for a zarr, or a large TIFF of gray or RGB: leave them out"
            )
        return denoise_page(page, settings, verbose=arguments.verbose)

    def tell(changes: list[Change]) -> list[str]:
        return [line for each in changes if each.facts for line in told_in_words(each.facts)]

    arguments.work = Work(
        change,
        lambda changes: _describe_changes(changes, arguments, model),
        "denoised",
        VideoDenoiser(settings),
        None if network else stream_with(arguments, model),
        tell,
    )
    return work_on(arguments)


def _describe_changes(
    changes: list[Change], arguments: Namespace, model: str | FilterBank | ColourBank
) -> tuple[str, bool]:
    """Say what was done, and whether it was next to nothing."""
    if not isinstance(model, str):
        return f"filtered with {arguments.model}", False
    levels = [level for change in changes for level in change.levels if level]
    shares = [level / change.white for change in changes for level in change.levels if level]
    photons = isinstance(arguments.noise, PhotonNoise)
    doubt = next((change.doubt for change in changes if change.doubt), "")
    if not levels:
        found = "all is in the dark" if photons else "found no noise, or could not tell"
        reason = "sigma is 0" if arguments.sigma else doubt or found
        if all(change.kind == "hidden" for change in changes):
            reason = "alpha hides all"
        return f"changed nothing: {reason}", True
    told = f"sigma {_listed(levels, in_words)} ({_listed(shares, in_percent)} of white)"
    origin = "as given" if arguments.sigma or photons else "estimated"
    if all(change.distance < _LITTLE * max(change.levels) for change in changes):
        distance = max(change.distance for change in changes)
        little = f"changed little, by {in_words(distance)} (rms), for noise of {told}, {origin}"
        return f"{little}; {doubt}" if doubt else little, True
    kinds = list(dict.fromkeys(change.kind for change in changes if change.kind in _NAMES))
    what = "".join(f"{_NAMES[kind]} " for kind in kinds)
    return f"removed {what}noise of {told}{', estimated' * (origin == 'estimated')}", False


def _check_noise(arguments: Namespace, model: str | FilterBank | ColourBank) -> None:
    if arguments.noise is None:
        return
    if not isinstance(model, str):
        raise ValueError(f"--noise has no effect on the bank {arguments.model}: leave it out")
    if arguments.sigma and arguments.noise != "white":
        raise ValueError("--sigma is the level of white noise: leave it or --noise out")


def _listed(values: list[float], worded: Callable[[float], str]) -> str:
    texts = list(dict.fromkeys(map(worded, values)))
    if len(texts) > _LISTED:
        return f"{worded(min(values))} to {worded(max(values))}"
    return ", ".join(texts)


def _load_model(
    arguments: Namespace,
) -> tuple[str | FilterBank | ColourBank, Callable[..., Any] | None]:
    """Return the filters, and the network that takes white noise in their place, if any."""
    name = arguments.model
    if name in MODELS:
        return name, None
    if (network := find_network(name)) is not None:
        if arguments.threads is not None:
            raise ValueError(f"--threads has no effect on {name}: set OMP_NUM_THREADS")
        return "best", network
    if arguments.sigma:
        raise ValueError(f"--sigma has no effect on the bank {name}: leave it out")
    path = Path(name)
    if path.is_dir():
        raise IsADirectoryError(f"{name}: a folder, not the file of a bank")
    if not path.is_file():
        if path.suffix == ".safetensors" or len(path.parts) > 1:
            raise FileNotFoundError(f"{name}: no such file")
        known = ", ".join((*MODELS, *network_names()))
        raise FileNotFoundError(f"{name}: not one of {known}, nor the file of a bank")
    return load_bank(path), None
