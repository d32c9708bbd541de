"""`list_models`: what is shipped, as the headers of the files tell it."""

import json
import os
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

__all__ = [
    "EXPORTERS",
    "NETWORKS",
    "ShippedModel",
    "list_models",
    "network_names",
    "read_facts",
    "shipped_path",
]

_BANKS = Path(__file__).parent / "banks"
NETWORKS = "raisr.denoisers"
"""Group of the entry points of denoisers of other packages."""
EXPORTERS = "raisr.exporters"
"""Group of those that write them as files, ``function(name, path)``, by the ending of these."""

_TASKS = {
    "deblocking": "deblock",
    "sharpening": "sharpen",
    "upscaling": "upscale",
}  # by kind, unless the facts say more
_LEVELS = ("sigma", "gain", "quality")


@dataclass(frozen=True, repr=False)
class ShippedModel:
    """A model that comes with this package, or a network of another one.

    Attributes
    ----------
    name : str
        Of the file, without its suffix; of a network what ``raisr denoise --model`` takes.
    kind : str
        What the file holds, as "filter bank", "colour bank" or "pyramid bank"; or "network".
    task : str
        The command that uses it: "denoise", "upscale", "deblock" or "sharpen".
    factor : int or None
        Of a model that enlarges.
    level : (str, float) or None
        What it was learned for: "sigma", of white noise in gray levels of 255, "gain" of a
        camera, or "quality" of a JPEG.
    training_set : str or None
    training_images : int or None
        How many images of the set.
    licence : str or None
        What the training set allows. The code is under the licence of the package.
    size : int or None
        Bytes of the file.
    """

    name: str
    kind: str
    task: str
    factor: int | None = None
    level: tuple[str, float] | None = None
    training_set: str | None = None
    training_images: int | None = None
    licence: str | None = None
    size: int | None = None

    def __repr__(self) -> str:
        told = [self.task, self.kind]
        told += [f"factor {self.factor}"] if self.factor else []
        told += ["{} {:g}".format(*self.level)] if self.level else []
        if self.training_set:
            told.append(f"{self.training_images} images of {self.training_set}")
        told += [f"{self.size / 1e6:.2f} MB"] if self.size else []
        return f"ShippedModel({self.name!r}: {', '.join(told)})"


def list_models() -> list[ShippedModel]:
    """Return every shipped model: filters by task, then the networks that are installed.

    Only the headers of the files are read; no network is loaded.

    Returns
    -------
    list of ShippedModel

    Raises
    ------
    ValueError
        If a shipped file is damaged.

    Examples
    --------
    >>> [model.name for model in list_models() if model.task == "sharpen"]
    ['sharpen']
    """
    models = [_model(path) for path in _BANKS.glob("*.safetensors")]
    models.sort(key=lambda model: (model.task, model.kind, _in_order(model.name)))
    return models + [ShippedModel(name, "network", "denoise") for name in network_names()]


def shipped_path(name: str) -> Path:
    """Return where the filters of a name are, if they are shipped."""
    return _BANKS / f"{name}.safetensors"


def network_names() -> list[str]:
    """Return the names of denoisers of other packages that can be asked for."""
    return sorted(entry_points(group=NETWORKS).names)


def read_facts(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any]]:
    """Return the kind of one of our files, as "filter bank", and the facts of its training.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or none of ours.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"no bank at {path}")
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
        owner, _, kind = header["format"].rstrip(" 0123456789").partition(" ")
        facts = json.loads(header["metadata"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or no file of this package: {error}") from error
    if owner != "raisr" or not isinstance(facts, dict):
        raise ValueError(f"{path} is no file of this package: its format is {header['format']!r}")
    return kind, facts


def _in_order(name: str) -> tuple[str, float]:
    """Return what sorts "fast_5" before "fast_10"."""
    family = name.rstrip(".0123456789")
    return family, float(name[len(family) :] or 0)


def _model(path: Path) -> ShippedModel:
    kind, facts = read_facts(path)
    levels = [(name, float(facts[name])) for name in _LEVELS if name in facts]
    return ShippedModel(
        name=path.stem,
        kind=kind,
        task=facts.get("task", _TASKS.get(kind.split()[0], "denoise")),
        factor=facts.get("factor"),
        level=levels[0] if levels else None,
        training_set=facts.get("training_set"),
        training_images=facts.get("training_images"),
        licence=facts.get("terms"),
        size=path.stat().st_size,
    )
