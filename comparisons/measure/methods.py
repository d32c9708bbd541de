"""The rows of the tables: one registry from a row's name to how it is built and what it costs."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from comparisons.measure.protocol import Protocol
from raisr.noise import Sample
from raisr.provenance import content_digest

if TYPE_CHECKING:
    from torch import nn

    from hybrid.behaviour import Behaviour
    from hybrid.denoiser import NetworkDenoiser
    from raisr import FilterBank

BANKS = Path(__file__).parent.with_name("banks")
RUNS = Path("runs")
"""Where training leaves the weights that are too large to ship, below the current folder."""


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
    facts : dict
        What a result tells of a trained network: the name of its "weights", its "steps" since
        nothing, and the crops of each, "batch".
    """

    run: Callable[[Sample], NDArray]
    fingerprint: str
    kflops: float | None = None
    as_is: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


Denoisers = dict[str, Denoiser | None]  # by the name of the row; None: not trained


def _everywhere(protocol: str, sigma: float) -> bool:
    return True


@dataclass(frozen=True)
class Method:
    """A row.

    Attributes
    ----------
    label, about : str
        Its name in a table, and what it is.
    build : callable
        ``build(protocol, sigma)``; None means not trained.
    plain : str
        The row whose PSNR is subtracted to tell what classes gain.
    public : bool
        True for weights that others trained and published.
    defined : callable
        Whether there is such a row for the name of a protocol and a noise level.
    """

    label: str
    about: str
    build: Callable[[Protocol, float], Denoiser | None]
    plain: str = ""
    public: bool = False
    defined: Callable[[str, float], bool] = _everywhere


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


def network_code_digest() -> str:
    """Return what changes with the code of the packages raisr and hybrid, or with torch."""
    import torch

    import hybrid

    return _fingerprint(*Path(hybrid.__file__).parent.rglob("*.py")) + torch.__version__


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

    return Denoiser(run, _fingerprint(path), bank_kflops(bank))


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

    return Denoiser(run, _fingerprint(), bank_kflops(bank))


def _network(network: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    from hybrid import zoo

    weights = find_weights(weights_name(protocol, sigma, network))
    return None if weights is None else network_denoiser(zoo.load(weights))


def _default_network(protocol: Protocol, sigma: float) -> Denoiser:
    from hybrid import zoo
    from hybrid.default import DEFAULT

    return network_denoiser(zoo.load(DEFAULT))


def find_weights(name: str) -> str | None:
    """Return what `hybrid.zoo` loads weights from: registry, else `RUNS`; None: not trained."""
    from hybrid import zoo

    if name in [entry.name for entry in zoo.list_weights()]:
        return name
    path = RUNS / name / "weights.safetensors"
    return str(path) if path.is_file() else None


def network_denoiser(denoiser: "NetworkDenoiser") -> Denoiser:
    """Return a network of `hybrid` as a method of the tables."""
    import torch

    from hybrid.classifiers import DENOISED_BY, DenoisedClassifier
    from raisr.denoising import LADDER, bank_for

    def run(sample: Sample) -> NDArray:
        torch.set_num_threads(1)  # OpenMP keeps a number for each calling thread
        guide = _guide(sample, denoiser.behaviour)
        return denoiser.denoise(sample.noisy, guide=guide, data_range=255)

    kflops = sum(network.cost().kflops for network in denoiser.networks)
    if isinstance(getattr(denoiser, "classifier", None), DenoisedClassifier):
        kflops += bank_kflops(bank_for(DENOISED_BY, LADDER[0]))
    fingerprint = network_fingerprint(denoiser, denoiser.provenance)
    return Denoiser(run, fingerprint, kflops, facts=training_facts(denoiser.provenance))


def network_fingerprint(network: "nn.Module", provenance: dict[str, Any]) -> str:
    """Return a digest of the weights of a network, of what is known of them and of our code."""
    digest = hashlib.sha256(json.dumps([network_code_digest(), provenance]).encode())
    for tensor in network.state_dict().values():
        digest.update(tensor.numpy(force=True).tobytes())
    return digest.hexdigest()


def training_facts(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return what a result tells of a network's training, see `Denoiser`."""
    from hybrid.weights import steps_in_all

    return {
        "weights": provenance["name"],
        "steps": steps_in_all(provenance),
        "batch": f"{provenance['batch']} crops of {provenance['crop']}x{provenance['crop']}",
    }


def _guide(sample: Sample, behaviour: "Behaviour") -> NDArray | None:
    """Return the image whose classes a network sees where it is not the noisy one."""
    from hybrid.training.data import redraw

    if behaviour.classes == "clean":
        return sample.clean
    level = behaviour.class_sigma
    return None if level is None else redraw(sample, level)


def _public_network(stem: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    from comparisons.measure import peers

    stem = stem.format(sigma=sigma)
    path = peers.weights_path(stem)
    if path is None:
        return None

    def run(sample: Sample) -> NDArray:
        return peers.denoise_plane(sample.noisy, sample.sigma, stem, threads=1)

    kflops = peers.load(path.parent, stem).cost().kflops
    return Denoiser(run, _fingerprint(path, Path(peers.__file__)) + network_code_digest(), kflops)


def bank_kflops(bank: "FilterBank") -> float:
    """Return what a filter bank costs, in kFLOPs per pixel; the hash is not counted."""
    return sum(2 * stage["macs_per_pixel"] for stage in bank.info()["stages"]) / 1000


def _fingerprint(*banks: Path) -> str:
    digests = [package_digest(), *([content_digest(banks)] if banks else [])]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _trained(
    label: str,
    about: str,
    network: str,
    plain: str = "",
    defined: Callable[[str, float], bool] = _everywhere,
) -> Method:
    return Method(label, about, partial(_network, network), plain, defined=defined)


def _public(label: str, stem: str) -> Method:
    return Method(
        label,
        "public weights",
        partial(_public_network, stem),
        public=True,
        defined=lambda protocol, sigma: protocol == "standard",
    )


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
    "kpn": _trained("KPN", "kernel prediction network", "kpn"),
    "kpn_plus": _trained("KPN+", "EDSR16 whose second convolutions are predicted", "kpn_plus"),
    "edsr16": _trained("EDSR16", "the plain network of CS-EDSR", "edsr16"),
    "carn16": _trained("CARN16", "the plain network of CS-CARN", "carn16"),
    "cs_edsr": _trained(
        "CS-EDSR",
        "class-specific convolution in EDSR16, classes of PCN on the noisy image (PCN+N)",
        "cs_edsr16_pcn",
        "edsr16",
    ),
    "cs_edsr_noisy": _trained(
        "CS-EDSR, RAISR+N", "CS-EDSR, hash of the noisy image", "cs_edsr16_noisy", "edsr16"
    ),
    "cs_edsr_clean": _trained(
        "CS-EDSR, RAISR+C",
        "an oracle, not a denoiser: CS-EDSR, hash of the clean image",
        "cs_edsr16_clean",
        "edsr16",
    ),
    "cs_edsr_denoised": _trained(
        "CS-EDSR, RAISR+D",
        "CS-EDSR, hash of what raisr.denoise makes of the noisy image, evenly filled bins",
        "cs_edsr16_denoised",
        "edsr16",
    ),
    "hybrid": Method(
        "hybrid.denoise",
        "the shipped CS-EDSR for every noise level, which estimates the level",
        _default_network,
        defined=lambda protocol, sigma: protocol == "standard" and sigma <= 75,
    ),
    "cs_edsr_4x2x2": _trained(
        "CS-EDSR, 4x2x2", "CS-EDSR with 16 classes", "cs_edsr16_pcn_4x2x2", "edsr16"
    ),
    "cs_edsr_16x6x6": _trained(
        "CS-EDSR, 16x6x6", "CS-EDSR with 576 classes", "cs_edsr16_pcn_16x6x6", "edsr16"
    ),
    "cs_edsr_draw": _trained(
        "CS-EDSR, another draw",
        "not a denoiser: PCN sees the clean image with independent noise of the same level",
        "cs_edsr16_draw",
        "edsr16",
    ),
    "cs_edsr_draw25": _trained(
        "CS-EDSR, another draw of sigma 25",
        "not a denoiser: PCN sees the clean image with independent noise of sigma 25",
        "cs_edsr16_draw25",
        "edsr16",
        defined=lambda protocol, sigma: sigma != 25,
    ),
    "cs_carn": _trained(
        "CS-CARN",
        "class-specific convolution in CARN16, classes of PCN on the noisy image (PCN+N)",
        "cs_carn16_pcn",
        "carn16",
    ),
    "cs_carn_4x2x2": _trained(
        "CS-CARN, 4x2x2", "CS-CARN with 16 classes", "cs_carn16_pcn_4x2x2", "carn16"
    ),
    "cs_carn_16x6x6": _trained(
        "CS-CARN, 16x6x6", "CS-CARN with 576 classes", "cs_carn16_pcn_16x6x6", "carn16"
    ),
    "dncnn_trained": _trained("DnCNN", "17 layers of 64 features", "dncnn"),
    "carn64": _trained("CARN64", "CARN16 with 64 features and more groups", "carn64"),
    "edsr64": _trained("EDSR64", "EDSR16 with 64 features", "edsr64"),
    "red": _trained("RED", "encoder and decoder of 30 layers", "red"),
    "memnet": _trained("MemNet", "persistent memory network", "memnet"),
    "focnet": _trained("FOCNet", "fractional optimal control network", "focnet"),
    "sgn": _trained("SGN", "self-guided network", "sgn"),
    "dncnn": _public("DnCNN, public", "dncnn_{sigma:g}"),
    "ffdnet": _public("FFDNet, public", "ffdnet_gray"),
}
