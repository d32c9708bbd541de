"""The rows of the tables: one registry from a row's name to how it is built and what it costs."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from comparisons.protocol import Protocol, Sample
from comparisons.provenance import content_digest

if TYPE_CHECKING:
    from hybrid.denoiser import NetworkDenoiser
    from raisr import FilterBank

BANKS = Path(__file__).with_name("banks")


@dataclass(frozen=True)
class Denoiser:
    """A method, ready to run at one noise level under one protocol.

    Attributes
    ----------
    run : callable
        Sample -> denoised plane; works on the calling thread only.
    fingerprint : str
        Changes whenever the output may change.
    kflops : float or None
        Cost in kFLOPs per pixel: 2 x multiply-accumulate, PCN included, the hash not counted.
    as_is : bool
        True for the noisy input, which is scored without clipping.
    training : str
        How long a network was trained, for the notes under a table.
    """

    run: Callable[[Sample], NDArray]
    fingerprint: str
    kflops: float | None = None
    as_is: bool = False
    training: str = ""


Denoisers = dict[str, Denoiser | None]  # by the name of the row; None: not trained


@dataclass(frozen=True)
class Method:
    """A row: its label, what it is, and `build(protocol, sigma)`; None means not trained."""

    label: str
    about: str
    build: Callable[[Protocol, float], Denoiser | None]


def bank_path(protocol: Protocol, sigma: float, row: str) -> Path:
    """Return where the filter bank of a row lies; `comparisons.learn_banks` writes it."""
    return BANKS / f"{protocol.name}_{sigma:g}_{row}.safetensors"


def weights_name(protocol: Protocol, sigma: float, network: str) -> str:
    """Return the name in `hybrid.zoo` of a network's weights for one table."""
    return f"{network}_{protocol.name}_{sigma:g}"


@cache
def package_digest() -> str:
    """Return the SHA-256 of the code and the filter banks of the package raisr."""
    import raisr

    root = Path(raisr.__file__).parent
    return content_digest([*root.rglob("*.py"), *root.rglob("*.safetensors")])


def _noisy(protocol: Protocol, sigma: float) -> Denoiser:
    return Denoiser(lambda sample: sample.noisy, "noisy", kflops=0.0, as_is=True)


def _learned_bank(row: str, oracle: bool, protocol: Protocol, sigma: float) -> Denoiser | None:
    path = bank_path(protocol, sigma, row)
    if not path.is_file():
        return None
    from raisr import FilterBank

    bank = FilterBank.load(path)

    def run(sample: Sample) -> NDArray:
        guide = sample.clean if oracle else None
        return bank.apply(sample.noisy, guide, data_range=sample.data_range, num_threads=1)

    return Denoiser(run, _fingerprint(path), _kflops(bank))


def _shipped_model(model: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    import raisr
    from raisr.denoising import LADDER, bank_for

    level = sigma * 255 / protocol.data_range
    if level > LADDER[-1]:
        return None
    bank = bank_for(model, level)

    def run(sample: Sample) -> NDArray:
        return raisr.denoise(
            sample.noisy,
            sample.sigma,
            model=model,
            data_range=sample.data_range,
            num_threads=1,
        )

    return Denoiser(run, _fingerprint(), _kflops(bank))


def _network(network: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    from hybrid import zoo

    name = weights_name(protocol, sigma, network)
    if name not in [entry.name for entry in zoo.list_weights()]:
        return None
    return network_denoiser(zoo.load(name))


def network_denoiser(denoiser: "NetworkDenoiser") -> Denoiser:
    """Return a network of `hybrid` as a method of the tables."""
    import torch

    import hybrid
    from hybrid.flops import cost

    oracle = denoiser.provenance.get("classes") == "clean"
    code = list(Path(hybrid.__file__).parent.rglob("*.py"))

    def run(sample: Sample) -> NDArray:
        torch.set_num_threads(1)  # OpenMP keeps a number for each calling thread
        guide = sample.clean if oracle else None
        return denoiser.denoise(sample.noisy, guide=guide, data_range=255)

    facts = [_fingerprint(*code), torch.__version__, denoiser.provenance]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for tensor in denoiser.state_dict().values():  # those of the PCN, too
        digest.update(tensor.numpy(force=True).tobytes())
    kflops = sum(cost(network).kflops for network in denoiser.networks)
    return Denoiser(run, digest.hexdigest(), kflops, training=_training(denoiser.provenance))


def _training(provenance: dict[str, Any]) -> str:
    """Return steps and crops of a run, and whose weights it started from."""
    crops, side = provenance["batch"], provenance["crop"]
    told = f"{provenance['steps']:,} steps of {crops} crops of {side}x{side}"
    start = provenance["init"]
    return told if start is None else f"{told}, from the weights of {start}"


def _kflops(bank: "FilterBank") -> float:
    return sum(2 * stage["macs_per_pixel"] for stage in bank.info()["stages"]) / 1000


def _fingerprint(*banks: Path) -> str:
    digests = [package_digest(), *([content_digest(banks)] if banks else [])]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


METHODS: dict[str, Method] = {
    "noisy": Method("noisy", "the noisy input", _noisy),
    "raisr_n": Method(
        "RAISR+N",
        "the paper's RAISR row: 72 filters of 7x7, hash of the noisy image",
        partial(_learned_bank, "raisr_n", False),
    ),
    "raisr_c": Method(
        "RAISR+C",
        "an oracle, not a denoiser: 72 filters of 7x7, hash of the clean image",
        partial(_learned_bank, "raisr_c", True),
    ),
    "raisr_fast": Method(
        "raisr fast", "raisr.denoise(model='fast')", partial(_shipped_model, "fast")
    ),
    "raisr_best": Method(
        "raisr best", "raisr.denoise(model='best')", partial(_shipped_model, "best")
    ),
    "kpn": Method("KPN", "kernel prediction network", partial(_network, "kpn")),
    "kpn_plus": Method(
        "KPN+", "EDSR16 whose second convolutions are predicted", partial(_network, "kpn_plus")
    ),
    "edsr16": Method("EDSR16", "the plain network of CS-EDSR", partial(_network, "edsr16")),
    "cs_edsr": Method(
        "CS-EDSR",
        "class-specific convolution in EDSR16, classes of PCN on the noisy image (PCN+N)",
        partial(_network, "cs_edsr16_pcn"),
    ),
}
