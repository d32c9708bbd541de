"""What a training run is: a TOML file, checked."""

import math
import os
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import torch

from hybrid.networks import CLASSIFIERS, NETWORKS, build
from hybrid.precision import PRECISIONS
from raisr import HashSpec
from raisr.hashing import PRESETS
from raisr.noise import NOISE_MODELS

_CHOICES = {
    "model": (*NETWORKS, *CLASSIFIERS),
    "noise": tuple(NOISE_MODELS),
    "spec": tuple(PRESETS),
    "broken": ("refuse", "skip"),
    "schedule": ("cosine", "constant", "paper"),
    "precision": PRECISIONS,
    "loss": ("l1", "psnr"),
}
HASHED = ("clean", "noisy", "denoised")
"""Classes that are hashed; any other name is that of a PCN's weights."""

_BINS = ("orientations", "strength_edges", "coherence_edges")
_POSITIVE = ("steps", "time_limit", "held_back", "batch", "crop", "learning_rate", "validate_every")


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Attributes
    ----------
    name : str
        Name of the run and of its folder.
    model : str
        Name of the network, of `hybrid.networks.NETWORKS` or `CLASSIFIERS`.
    options : dict
        Arguments of the network.
    noise, sigma : str, float
        How noise is added, see `raisr.noise.NOISE_MODELS`, and its standard deviation in the gray
        levels of that model.
    sigma_min : float, optional
        With it every crop has noise of its own level, uniform from here to `sigma`, and images
        are scaled such that the network sees noise of one level, see `hybrid.levels`.
    eight_bit : float
        Share of the crops that are clipped and rounded to 8 bits after noise is added.
    classes : str, optional
        Where class maps come from: "clean" or "noisy" for the hash of that image, "denoised" for
        the hash of what `raisr.denoise` makes of the noisy image, or a PCN's weights (name or
        file). For class-specific networks only, and these need it.
    class_sigma : float, optional
        The leak of the paper's code, for `comparisons.leak` only: the PCN does not see the image
        that is denoised, but an independent draw of the noise, of this level.
    spec : str
        Preset of `raisr.HashSpec`: classes, and the statistics that a PCN learns.
    bins : dict
        Fields of the preset that are replaced: `orientations`, `strength_edges`,
        `coherence_edges`.
    shared : bool
        Whether the filters of classes have a common part while they are learned, see
        `hybrid.training.sharing`. For class-specific networks only.
    init : str, optional
        Weights to start from (name in `hybrid.zoo`, or file); a class-specific network may start
        from its plain twin.
    images : tuple of str
        Folders of pictures (any that `raisr.io.read_image` reads), or names of image sets, see
        `raisr.datasets`.
    noisy : tuple of str, optional
        Folders of the same pictures with noise, one for each of `images`, which are folders then.
        No noise is added: the network learns what these pictures have, and so `sigma`, `sigma_min`
        and `eight_bit` do not count. For the hybrid U-Net without classes only.
    broken : {"refuse", "skip"}
        What to do about files that cannot be read: stop, or name and leave them out.
    held_back : int
        Images of the first set that are not trained on but validated with; a tenth of the set
        where that would be more than half of it.
    steps : int
        Optimiser steps.
    time_limit : float, optional
        Seconds after which a run ends, if its steps are not done before; the learning rate falls as
        they pass. Such a run is not repeated bit for bit.
    loss : {"l1", "psnr"}
        Of denoisers: the mean absolute error, or the mean PSNR of the crops, negative: what tables
        tell. By it every crop counts alike, whatever its noise.
    batch, crop : int
        Crops a step and process, and their side in pixels.
    learning_rate : float
        Peak of the schedule. Adam's other constants are the usual ones; a gradient of more than
        four times the usual length is shortened.
    schedule : {"cosine", "constant", "paper"}
        "cosine" falls to zero; "constant" is for weights from which other runs go on; "paper"
        halves the rate after every fifth of the steps.
    warmup : int
        Steps in which the rate rises linearly to its peak.
    ema : float
        Decay of the exponential moving average of the weights, which is what is validated and
        exported; 0 switches it off.
    precision : {"auto", "float32", "bfloat16"}
        Of activations, under autocast; "auto" is bfloat16 where the processor multiplies it.
    seed : int
        Of weights, crops and noise.
    validate_every : int
        Steps between validations.
    checkpoint_seconds : float
        Time between checkpoints.
    """

    name: str
    model: str
    steps: int
    options: dict[str, Any] = field(default_factory=dict)
    noise: str = "gaussian"
    sigma: float = 25.0
    sigma_min: float | None = None
    eight_bit: float = 0.0
    classes: str | None = None
    class_sigma: float | None = None
    spec: str = "csconv"
    bins: dict[str, Any] = field(default_factory=dict)
    shared: bool = False
    init: str | None = None
    images: tuple[str, ...] = ("bsd400",)
    noisy: tuple[str, ...] | None = None
    broken: str = "refuse"
    held_back: int = 16
    time_limit: float | None = None
    loss: str = "l1"
    batch: int = 4
    crop: int = 96
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup: int = 200
    ema: float = 0.999
    precision: str = "auto"
    seed: int = 0
    validate_every: int = 1000
    checkpoint_seconds: float = 120.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            _check_type(entry.name, getattr(self, entry.name), entry.type)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                got = getattr(self, name)
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {got!r}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value!r}")
        for name in ("sigma", "class_sigma", "seed", "checkpoint_seconds"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)!r}")
        if self.sigma_min is not None and not 0 <= self.sigma_min < self.sigma:
            raise ValueError(
                f"sigma_min must be in [0, sigma), here [0, {self.sigma:g}), got {self.sigma_min!r}"
            )
        if not 0 <= self.eight_bit <= 1:
            raise ValueError(f"eight_bit must be in [0, 1], got {self.eight_bit!r}")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema!r}")
        if not 0 <= self.warmup < self.steps:
            raise ValueError(
                f"warmup must be in [0, steps), here [0, {self.steps}), got {self.warmup!r}"
            )
        if self.noisy is not None and len(self.noisy) != len(self.images):
            raise ValueError(
                f"noisy must name a folder for each of the {len(self.images)} of images, got "
                f"{len(self.noisy)}"
            )
        self._check_network()

    def _check_network(self) -> None:
        with torch.device("meta"):
            try:
                network = build(self.model, **self.options)
            except ValueError as error:
                raise ValueError(f"options: {error}") from error
        found = network.num_classes
        if self.loss != "l1" and self.model in CLASSIFIERS:
            raise ValueError(f"loss must be left out for {self.model}, which has one of its own")
        if "levels" in network.inputs:
            self._check_hybrid()
        elif self.noisy is not None:
            raise ValueError(f"noisy must be left out for {self.model}, which adds noise")
        if unknown := sorted(set(self.bins) - set(_BINS)):
            raise ValueError(f"bins: unknown key {', '.join(unknown)}; known: {', '.join(_BINS)}")
        try:
            wanted = self.network_spec.num_classes
        except (TypeError, ValueError) as error:
            raise ValueError(f"bins: {error}") from error
        if found is None and self.classes is not None:
            raise ValueError(
                f"classes must be left out for a network without, got {self.classes!r}"
            )
        if found is not None and self.classes is None:
            raise ValueError("classes is missing, and the network is class-specific")
        if self.shared and found is None:
            raise ValueError("shared must be left out for a network without classes")
        if self.class_sigma is not None and self.classes in (None, *HASHED):
            raise ValueError("class_sigma needs classes of a PCN")
        if found not in (None, wanted):
            raise ValueError(
                f"options: num_classes must be {wanted}, as spec and bins have, got {found}"
            )

    def _check_hybrid(self) -> None:
        if self.noisy is not None and self.classes is not None:
            raise ValueError("noisy must be left out for a network with classes")
        if self.noisy is None and self.sigma_min is None:
            raise ValueError(f"sigma_min is missing, and {self.model} is for many noise levels")
        if self.noise != "gaussian":
            raise ValueError(f"noise must be gaussian for {self.model}, got {self.noise!r}")
        if self.classes not in (None, "denoised"):
            raise ValueError(f"classes of {self.model} must be denoised, got {self.classes!r}")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "TrainingConfig":
        """Read a TOML file; its name without ending is the name of the run.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            The file is not TOML, or has a key that is missing, unknown or out of range.
        """
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls.from_dict({"name": path.stem, **values})
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Inverse of `to_dict`; refuses unknown and missing keys."""
        known = [entry.name for entry in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ValueError(f"unknown key {', '.join(unknown)}; known: {', '.join(known)}")
        if missing := sorted({"name", "model", "steps"} - set(values)):
            raise ValueError(f"missing key {', '.join(missing)}")
        lists = {
            key: tuple(values[key])
            for key in ("images", "noisy")
            if isinstance(values.get(key), list)
        }
        return cls(**{**values, **lists})

    def to_dict(self) -> dict[str, Any]:
        """Return every value, JSON-able."""
        noisy = None if self.noisy is None else list(self.noisy)
        return {**asdict(self), "images": list(self.images), "noisy": noisy}

    @property
    def network_spec(self) -> HashSpec:
        """The spec for images as networks see them: gray levels / 255, whatever black and white."""
        preset = HashSpec.preset(self.spec)
        factor = 255 / NOISE_MODELS[self.noise].data_range
        return replace(preset, strength_scale=preset.strength_scale * factor, **self.bins)

    @property
    def sigmas(self) -> tuple[float, float]:
        """Range of noise levels, in the gray levels of the noise model."""
        return (self.sigma if self.sigma_min is None else self.sigma_min), self.sigma

    def is_last(self, step: int, seconds: float) -> bool:
        """Return whether a run ends after so many steps and seconds."""
        return step >= self.steps or (self.time_limit is not None and seconds >= self.time_limit)

    def rate(self, step: int, seconds: float = 0.0) -> float:
        """Return the learning rate of a step, as a fraction of the peak."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.schedule == "constant":
            return 1.0
        passed = 0.0 if self.time_limit is None else min(seconds / self.time_limit, 1.0)
        if self.schedule == "paper":
            return 0.5 ** int(5 * max(step / self.steps, passed))
        done = max((step - self.warmup) / (self.steps - self.warmup), passed)
        return (1 + math.cos(math.pi * done)) / 2


def _check_type(name, value, wanted):
    if isinstance(wanted, UnionType):
        if value is None:
            return
        wanted = get_args(wanted)[0]
    kind, fits = {
        str: ("a string", isinstance(value, str)),
        bool: ("true or false", isinstance(value, bool)),
        int: ("a whole number", type(value) is int),
        float: ("a finite number", _is_number(value)),
        dict[str, Any]: ("a table", isinstance(value, dict)),
        tuple[str, ...]: (
            "a list of one string or more",
            isinstance(value, tuple) and value and all(isinstance(item, str) for item in value),
        ),
    }[wanted]
    if not fits:
        raise ValueError(f"{name} must be {kind}, got {value!r}")


def _is_number(value):
    return type(value) in (int, float) and math.isfinite(value)
