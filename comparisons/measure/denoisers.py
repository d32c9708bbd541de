"""What a denoiser is: the row of a table, and what it takes to run it at one noise level."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from comparisons.measure.protocol import Protocol
from raisr.noise import Sample
from raisr.provenance import content_digest


@dataclass(frozen=True)
class Denoiser:
    """A method, ready to run at one noise level under one protocol.

    Attributes
    ----------
    function : callable
        ``function(sample, threads)``: the denoised plane.
    fingerprint : str
        Changes whenever the output may change.
    kflops : float or None
        Cost in kFLOPs per pixel: 2 x multiply-accumulate, PCN included, the hash not counted.
    as_is : bool
        True for the noisy input, which is scored without clipping.
    facts : dict
        What a result tells of a trained network: the name of its "weights", its "steps" since
        nothing, and the crops of each, "batch".
    """

    function: Callable[[Sample, int], NDArray]
    fingerprint: str
    kflops: float | None = None
    as_is: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def run(self, sample: Sample, threads: int = 1) -> NDArray:
        """Return the denoised plane; one thread is the calling one."""
        return self.function(sample, threads)


Denoisers = dict[str, Denoiser | None]  # by the name of the row; None: not at hand


def everywhere(protocol: str, sigma: float) -> bool:
    """Return that a row exists under every protocol, at every noise level."""
    return True


NOT_INSTALLED = "not installed"
"""Why a method cannot run here; nothing that a stored result could tell."""


@dataclass(frozen=True)
class Method:
    """A row.

    Attributes
    ----------
    label, about : str
        Its name in a table, and what it is.
    build : callable
        ``build(protocol, sigma)``; None means not at hand.
    plain : str
        The row whose PSNR is subtracted to tell what classes gain.
    public : bool
        True for weights that others trained and published.
    defined : callable
        Whether there is such a row for the name of a protocol and a noise level.
    family : {"noisy", "raisr", "network", "classical"}
    module : str
        What must be installed.
    missing : str
        Why it cannot run where `build` returns None; "{sigma:g}" is filled in.
    serial : bool
        True for code without threads.
    """

    label: str
    about: str
    build: Callable[[Protocol, float], Denoiser | None]
    plain: str = ""
    public: bool = False
    defined: Callable[[str, float], bool] = everywhere
    family: str = "network"
    module: str = "torch"
    missing: str = "not trained"
    serial: bool = False

    def find(self, protocol: Protocol, sigma: float) -> Denoiser | str:
        """Return the denoiser, or why it cannot run."""
        if find_spec(self.module) is None:
            return NOT_INSTALLED
        return self.build(protocol, sigma) or self.missing.format(sigma=sigma)


@cache
def package_digest() -> str:
    """Return the SHA-256 of the code and the filter banks of the package raisr."""
    import raisr

    root = Path(raisr.__file__).parent
    return content_digest([*root.rglob("*.py"), *root.rglob("*.safetensors")])


def fingerprint_of(*files: Path) -> str:
    """Return the fingerprint of a denoiser that depends on the package raisr and on files."""
    digests = [package_digest(), *([content_digest(files)] if files else [])]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
