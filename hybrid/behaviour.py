"""What decides how weights are used: parsed once, from the header of their file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raisr import HashSpec
from raisr.noise import NOISE_MODELS
from raisr.validate import GRAY_LEVELS, real_number


@dataclass(frozen=True)
class Behaviour:
    """How a network is to be used; everything else in a header is for people.

    Attributes
    ----------
    sigma : float, optional
        Standard deviation of the noise that it was trained for, in gray levels of 255; the
        highest, where there are many. None: not known, every level is taken.
    sigma_min : float, optional
        The lowest level; with it images are scaled such that their noise has one level, see
        `hybrid.levels`.
    pairs : bool
        Whether it was trained on pictures with noise of their own: what `raisr.denoise` finds of it
        stands in for a level.
    white : float
        White less black of the images that it was trained on, gray levels / 255.
    classes : str, optional
        Where its classes come from: "clean", "noisy", "denoised" or the weights of a PCN.
    classes_sha256 : str, optional
        Of the file of that PCN.
    class_sigma : float, optional
        Its PCN saw another draw of the noise, of this level (`comparisons.leak`).
    spec : HashSpec, optional
        What a class is.
    """

    sigma: float | None = None
    sigma_min: float | None = None
    pairs: bool = False
    white: float = 1.0
    classes: str | None = None
    classes_sha256: str | None = None
    class_sigma: float | None = None
    spec: HashSpec | None = None

    def __post_init__(self) -> None:
        for name in ("sigma", "sigma_min", "class_sigma", "white"):
            value = getattr(self, name)
            if value is not None and not 0 <= real_number(value) < math.inf:
                raise ValueError(f"{name} must be finite and not negative, got {value!r}")
        if not self.white:
            raise ValueError(f"white must be positive, got {self.white!r}")
        for name in ("classes", "classes_sha256"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ValueError(f"{name} must be a string, got {value!r}")
        if self.many_levels and not self.sigma:
            raise ValueError("sigma is missing where sigma_min is told")

    @classmethod
    def of(cls, header: Mapping[str, Any]) -> "Behaviour":
        """Parse the header of a file of weights.

        Raises
        ------
        ValueError
            It does not tell what a class-specific network needs, or names another noise model.
        """
        classes, noise = header.get("classes"), header.get("noise")
        needed = {"spec", "noise", "sigma"} if classes is not None else set()
        if missing := needed - set(header):
            raise ValueError(f"its header does not tell {', '.join(sorted(missing))}")
        if noise is not None and noise not in NOISE_MODELS:
            raise ValueError(f"noise must be one of {', '.join(NOISE_MODELS)}, got {noise!r}")
        white = NOISE_MODELS[noise].data_range / GRAY_LEVELS if noise else 1.0
        pairs = header.get("noisy") is not None
        return cls(
            sigma=None if pairs else header.get("sigma"),
            sigma_min=None if pairs else header.get("sigma_min"),
            pairs=pairs,
            white=header.get("white", white),
            classes=classes,
            classes_sha256=header.get("classes_sha256"),
            class_sigma=header.get("class_sigma"),
            spec=None if classes is None else HashSpec.from_dict(header["spec"]),
        )

    @property
    def many_levels(self) -> bool:
        """Whether one network serves many noise levels."""
        return self.sigma_min is not None

    @property
    def foreign_classes(self) -> str | None:
        """Whose classes the network was trained with, if not those of the noisy image."""
        if self.class_sigma is not None:
            return "another noisy version of the image"
        return "the clean image" if self.classes == "clean" else None
