"""The rows of the tables, and what a user can pick: one registry from a name to a denoiser."""

from collections.abc import Callable
from functools import partial

from comparisons.measure.classical import CLASSICAL, COLOUR_CLASSICAL
from comparisons.measure.denoisers import Denoiser, Method, everywhere
from comparisons.measure.filters import learned_bank, shipped_model
from comparisons.measure.networks import (
    default_network,
    public_network,
    told_network,
    trained_network,
)
from comparisons.measure.protocol import Protocol


def _noisy(protocol: Protocol, sigma: float) -> Denoiser:
    return Denoiser(lambda sample, threads: sample.noisy, "noisy", kflops=0.0, as_is=True)


def _filters(label: str, about: str, build: Callable[[Protocol, float], Denoiser | None]) -> Method:
    return Method(label, about, build, family="raisr", module="raisr")


def _trained(
    label: str,
    about: str,
    network: str,
    plain: str = "",
    defined: Callable[[str, float], bool] = everywhere,
) -> Method:
    return Method(label, about, partial(trained_network, network), plain, defined=defined)


def _unet(
    label: str,
    about: str,
    name: str,
    plain: str = "",
    protocol: str = "standard",
    precision: str = "float32",
) -> Method:
    return Method(
        label,
        f"{about}; one network for every noise level, told the level",
        partial(told_network, name, precision=precision),
        plain,
        defined=lambda asked, sigma: asked == protocol and sigma <= 75,
    )


def _blind(protocol: str, sigma: float) -> bool:
    """Return where the network for every noise level is one."""
    return protocol in ("standard", "colour") and sigma <= 75


def _public(label: str, stem: str) -> Method:
    return Method(
        label,
        "public weights",
        partial(public_network, stem),
        public=True,
        defined=lambda protocol, sigma: protocol == "standard",
        missing=f"no {stem}.safetensors in RAISR_PEERS",
    )


METHODS: dict[str, Method] = {
    "noisy": Method("noisy", "the noisy input", _noisy, family="noisy", module="raisr"),
    "raisr_n": _filters(
        "RAISR+N",
        "the paper's RAISR row: 72 filters of 7x7, hash of the noisy image",
        partial(learned_bank, "raisr_n", False),
    ),
    "raisr_c": _filters(
        "RAISR+C",
        "an oracle, not a denoiser: 72 filters of 7x7, hash of the clean image",
        partial(learned_bank, "raisr_c", True),
    ),
    "raisr_fast": _filters(
        "raisr fast", "raisr.denoise(model='fast')", partial(shipped_model, "fast")
    ),
    "raisr_best": _filters(
        "raisr best", "raisr.denoise(model='best')", partial(shipped_model, "best")
    ),
    "kpn": _trained("KPN", "kernel prediction network", "kpn"),
    "kpn_plus": _trained("KPN+", "EDSR16 whose second convolutions are predicted", "kpn_plus"),
    "kpn_plus_longer": _trained(
        "KPN+, longer",
        "KPN+ after 615 more steps of 16 crops of 96x96",
        "kpn_plus_longer",
        defined=lambda protocol, sigma: (protocol, sigma) == ("standard", 25),
    ),
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
        "the shipped network for every noise level, which estimates the level",
        partial(default_network, False),
        defined=_blind,
    ),
    "hybrid_told": Method(
        "hybrid.denoise, sigma told",
        "the shipped network for every noise level, which is told the level",
        partial(default_network, True),
        defined=_blind,
    ),
    "hybrid_small": Method(
        "hybrid.denoise, small, sigma told",
        "that of model='small', which is told the level",
        partial(default_network, True, model="small"),
        defined=_blind,
    ),
    "hybrid_finest": Method(
        "hybrid.denoise, finest, sigma told",
        "the mean of eight results of the shipped network, for the image turned and mirrored",
        partial(default_network, True, model="finest"),
        defined=_blind,
    ),
    "blind_edsr": _unet(
        "CS-EDSR, every level",
        "one scaled image for all levels; hash of the filters' result",
        "cs_edsr16_blind",
    ),
    "unet_small": _unet(
        "U-Net small", "filters' result and classes of its hash", "unet_small", "unet_small_plain"
    ),
    "unet_small_plain": _unet("U-Net small, no classes", "filters' result", "unet_small_plain"),
    "unet_small_alone": _unet(
        "U-Net small, no filters", "the noisy image alone", "unet_small_alone"
    ),
    "unet_base": _unet("U-Net base", "filters' result", "unet_base"),
    "unet_base_classes": _unet(
        "U-Net base, classes",
        "filters' result and classes of its hash",
        "unet_base_classes",
        "unet_base",
    ),
    "unet_small_colour": _unet(
        "U-Net small, colour", "filters' result", "unet_small_colour", protocol="colour"
    ),
    "unet_small_colour_longer": _unet(
        "U-Net small, colour, longer",
        "filters' result",
        "unet_small_colour_longer",
        protocol="colour",
    ),
    "unet_small_colour_classes": _unet(
        "U-Net small, colour, classes",
        "filters' result and classes of its hash",
        "unet_small_colour_classes",
        "unet_small_colour_longer",
        protocol="colour",
    ),
    "unet_base_colour": _unet(
        "U-Net base, colour", "filters' result", "unet_base_colour", protocol="colour"
    ),
    **{
        f"{row}_bfloat16": _unet(
            f"{label}, bfloat16",
            "the same, as hybrid.denoise runs it where a processor multiplies bfloat16",
            row,
            protocol=protocol,
            precision="bfloat16",
        )
        for row, label, protocol in (
            ("unet_small", "U-Net small", "standard"),
            ("unet_base", "U-Net base", "standard"),
            ("unet_small_colour", "U-Net small, colour", "colour"),
        )
    },
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
    **{row: denoiser.method() for row, denoiser in (CLASSICAL | COLOUR_CLASSICAL).items()},
}
"""Name of the row -> how it is built and what it is."""
