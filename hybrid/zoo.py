"""The weights that come with the package, and where each of them comes from.

`weights/registry.json` lists them; `comparisons.publish` writes it. Each file of weights carries
the same facts in its header.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hybrid.behaviour import Behaviour
from hybrid.class_specific import ClassSpecificDenoiser
from hybrid.classifiers import DenoisedClassifier, HashClassifier, PCNClassifier
from hybrid.denoiser import NetworkDenoiser
from hybrid.hybrid_denoiser import HybridDenoiser
from hybrid.networks import Network, build
from hybrid.networks.pcn import PCN
from hybrid.training.config import HASHED
from hybrid.weights import check_same_shapes, copy_into, load_tensors, steps_in_all
from raisr import HashSpec
from raisr.validate import GRAY_LEVELS

WEIGHTS = Path(__file__).with_name("weights")
REGISTRY = WEIGHTS / "registry.json"
_STATISTICS = (
    "window",
    "weighting",
    "gaussian_sigma",
    "strength",
    "strength_scale",
    "presmooth",
)


@dataclass(frozen=True, repr=False)
class Weights:
    """One entry of the registry.

    Attributes
    ----------
    name : str
    sha256 : str
        Of the file, in hexadecimal.
    provenance : dict
        The training run: network, options, noise, sigma, classes, steps, seed, training
        images, seconds, machine, commit, and the scores on held-back images.
    metrics : dict
        By test set, under the protocol of the run's noise and its level: mean PSNR in dB, SSIM,
        and CPU seconds per megapixel of one thread. Networks for many levels have "SET, sigma N".
    licence : str
    """

    name: str
    sha256: str
    provenance: dict[str, Any]
    metrics: dict[str, Any]
    licence: str

    def __repr__(self) -> str:
        facts = self.provenance
        steps = steps_in_all(facts)
        return f"Weights({self.name!r}: {facts.get('model')}, {steps:,} steps, {self.licence})"

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return WEIGHTS / f"{self.name}.safetensors"


def _registry() -> dict[str, Weights]:
    if not REGISTRY.is_file():
        return {}
    entries = json.loads(REGISTRY.read_text(encoding="utf-8"))
    return {name: Weights(name, **entry) for name, entry in entries.items()}


def list_weights() -> list[Weights]:
    """Return every entry of the registry whose file is here, by name.

    The wheel brings the defaults of `hybrid.denoise`; the repository has all.
    """
    here = (entry for entry in _registry().values() if entry.path.is_file())
    return sorted(here, key=lambda entry: entry.name)


def locate(name: str) -> Path:
    """Return the file of an entry of the registry, or of a path to a file of weights.

    Raises
    ------
    FileNotFoundError
        It is neither.
    ValueError
        The file of the entry is damaged.
    """
    if entry := _registry().get(name):
        if not entry.path.is_file():
            raise FileNotFoundError(
                f"the weights {name} are not part of this installation: they lie in hybrid/weights "
                "of the repository"
            )
        if (found := digest(entry.path)) != entry.sha256:
            raise ValueError(f"{entry.path} is damaged: its SHA-256 is {found}")
        return entry.path
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(entry.name for entry in list_weights()) or "none"
    raise FileNotFoundError(
        f"no weights {name!r}; the package holds {known} (those of a run: train it first)"
    )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_network(name: str) -> tuple[Network, dict[str, Any]]:
    """Return a network with its weights, for inference, and their provenance.

    Parameters
    ----------
    name : str
        Entry of the registry, or path of a file of weights.

    Raises
    ------
    FileNotFoundError, ValueError
        See `locate`; or the file is damaged, or does not hold the weights of a network.
    """
    tensors, header = load_tensors(locate(name))
    if not {"model", "options"} <= set(header):
        raise ValueError(f"{name} is no file of weights, such as training writes in the end")
    try:
        with torch.device("meta"):  # a header may ask for more memory than there is
            check_same_shapes(build(header["model"], **header["options"]).state_dict(), tensors)
        network = build(header["model"], **header["options"])
    except TypeError as error:
        raise ValueError(f"{name}: no such network: {error}") from error
    copy_into(network.state_dict(), tensors)
    return network.eval().requires_grad_(False), header


def load_pcn(name: str, spec: HashSpec) -> PCN:
    """Return a PCN with its weights, for inference.

    Parameters
    ----------
    name : str
        See `load_network`.
    spec : HashSpec
        What classes are to be made of its statistics; bins may be others than in its training.

    Raises
    ------
    FileNotFoundError, ValueError
        See `load_network`; or it is no PCN, or was trained for other statistics.
    """
    network, header = load_network(name)
    if not isinstance(network, PCN):
        raise ValueError(f"{name}: wanted the weights of a pcn, got {header['model']!r}")
    wanted = spec.to_dict()
    told = header.get("spec")
    if not isinstance(told, dict):
        raise ValueError(f"{name}: its header does not tell spec")
    if different := [key for key in _STATISTICS if told.get(key) != wanted[key]]:
        raise ValueError(
            f"{name} predicts statistics of another definition: {', '.join(different)} differ"
        )
    return network


def load(
    name: str, device: str | torch.device = "cpu", *, precision: str = "float32"
) -> NetworkDenoiser:
    """Return a denoiser with its weights.

    Parameters
    ----------
    name : str
        Entry of the registry (see `list_weights`), or path of a file of weights.
    device : str or torch.device
    precision : {"float32", "bfloat16", "auto"}
        Of the hybrid U-Nets on a CPU, see `NetworkDenoiser`; others compute in float32.

    Returns
    -------
    NetworkDenoiser
        A `ClassSpecificDenoiser` where the network has classes. One trained with the classes of
        clean images needs a `guide`.

    Raises
    ------
    FileNotFoundError, ValueError
        See `load_network`; or it does not tell what its classes are, or they came from other
        weights than those now at that name; or there is no such precision.
    """
    network, header = load_network(name)
    if isinstance(network, PCN):
        raise ValueError(f"{name} is a classifier, not a denoiser: see hybrid.zoo.load_pcn")
    try:
        behaviour = Behaviour.of(header)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from error
    if "levels" in network.inputs:
        return HybridDenoiser(network, behaviour, header, precision).to(device)
    if network.num_classes is None:
        return NetworkDenoiser(network, behaviour, header, precision).to(device)
    classifier = _classifier(name, behaviour)
    return ClassSpecificDenoiser(network, classifier, behaviour, header, precision).to(device)


def _classifier(name: str, behaviour: Behaviour) -> HashClassifier | PCNClassifier:
    """Return the source of the classes of a network."""
    source, spec = behaviour.classes, behaviour.spec
    if source is None or spec is None:
        raise ValueError(f"{name}: its header does not tell classes")
    if source == "denoised":
        fixed = None if behaviour.many_levels else behaviour.sigma
        level = None if fixed is None else fixed / GRAY_LEVELS
        return DenoisedClassifier(spec, level, behaviour.white)
    if source in HASHED:
        return HashClassifier(spec)
    if behaviour.classes_sha256 not in (None, digest(locate(source))):
        raise ValueError(f"{name} was trained with other weights of the PCN {source!r}")
    return PCNClassifier(load_pcn(source, spec), spec)
