"""Networks of `hybrid` as denoisers: where their weights lie, what they cost and see."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from comparisons.measure.denoisers import Denoiser, fingerprint_of
from comparisons.measure.filters import bank_kflops
from comparisons.measure.protocol import COLOUR, Protocol
from raisr.noise import Sample

if TYPE_CHECKING:
    from torch import nn

    from hybrid.behaviour import Behaviour
    from hybrid.denoiser import NetworkDenoiser

RUNS = Path("runs")
"""Where training leaves the weights that are too large to ship, below the current folder."""


def weights_name(protocol: Protocol, sigma: float, network: str) -> str:
    """Return the name in `hybrid.zoo` of a network's weights for one table."""
    return f"{network}_{protocol.name}_{sigma:g}"


def find_weights(name: str) -> str | None:
    """Return what `hybrid.zoo` loads weights from: registry, else `RUNS`; None: not trained."""
    from hybrid import zoo

    if name in [entry.name for entry in zoo.list_weights()]:
        return name
    path = RUNS / name / "weights.safetensors"
    return str(path) if path.is_file() else None


def trained_network(network: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    """Return a network with its weights for one table."""
    from hybrid import zoo

    weights = find_weights(weights_name(protocol, sigma, network))
    return None if weights is None else network_denoiser(zoo.load(weights))


def default_network(told: bool, protocol: Protocol, sigma: float, model: str = "base") -> Denoiser:
    """Return that of `hybrid.denoise`, which is told the noise level, or estimates it."""
    from hybrid import zoo
    from hybrid.default import choice_for

    weights, ensemble = choice_for(3 if protocol is COLOUR else 1, model)
    return network_denoiser(zoo.load(weights), told=told, ensemble=ensemble)


def told_network(
    name: str, protocol: Protocol, sigma: float, precision: str = "float32"
) -> Denoiser | None:
    """Return a network for every noise level, told the level, by the name of its run."""
    from hybrid import zoo

    if (weights := find_weights(name)) is None:
        return None
    found = network_denoiser(zoo.load(weights, precision=precision), told=True)
    if precision == "float32":
        return found
    return replace(found, fingerprint=f"{found.fingerprint} {precision}")


def network_denoiser(
    denoiser: "NetworkDenoiser", *, told: bool = False, ensemble: int = 1
) -> Denoiser:
    """Return a network of `hybrid` as a denoiser of the tables; `told`: it knows the level."""
    import torch

    from hybrid.classifiers import DENOISED_BY, DenoisedClassifier
    from raisr.denoising import LADDER, bank_for

    def run(sample: Sample, threads: int) -> NDArray:
        torch.set_num_threads(threads)  # OpenMP keeps a number for each calling thread
        guide = _guide(sample, denoiser.behaviour)
        level = sample.sigma if told else None
        return denoiser.denoise(
            sample.noisy,
            level,
            guide=guide,
            channel_axis=sample.channel_axis,
            data_range=255,
            ensemble=ensemble,
        )

    kflops = ensemble * sum(network.cost().kflops for network in denoiser.networks)
    if isinstance(getattr(denoiser, "classifier", None), DenoisedClassifier):
        kflops += bank_kflops(bank_for(DENOISED_BY, LADDER[0]))
    fingerprint = network_fingerprint(denoiser, denoiser.provenance) + " told" * told
    fingerprint += f" x{ensemble}" * (ensemble > 1)
    return Denoiser(run, fingerprint, kflops, facts=training_facts(denoiser.provenance))


def public_network(stem: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    """Return a network with weights that others published; see `comparisons.measure.peers`."""
    from comparisons.measure import peers

    stem = stem.format(sigma=sigma)
    path = peers.weights_path(stem)
    if path is None:
        return None

    def run(sample: Sample, threads: int) -> NDArray:
        return peers.denoise_plane(sample.noisy, sample.sigma, stem, threads)

    kflops = peers.load(path.parent, stem).cost().kflops
    fingerprint = fingerprint_of(path, Path(peers.__file__)) + network_code_digest()
    return Denoiser(run, fingerprint, kflops)


def network_code_digest() -> str:
    """Return what changes with the code of the packages raisr and hybrid, or with torch."""
    import torch

    import hybrid

    return fingerprint_of(*Path(hybrid.__file__).parent.rglob("*.py")) + torch.__version__


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
