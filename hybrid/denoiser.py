"""From an image to an image: a network, with the classifier that a class-specific one needs."""

import copy
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hybrid.behaviour import Behaviour
from hybrid.classifiers import DenoisedClassifier, HashClassifier, PCNClassifier
from hybrid.exact import exact
from hybrid.levels import at_reference
from hybrid.networks import Network
from hybrid.tiles import run_in_tiles
from raisr.colour import luma_weights
from raisr.denoising import estimate_sigma
from raisr.validate import GRAY_LEVELS, as_channels, check_sigma, data_range_of, restore

_TILE = 512


class NetworkDenoiser(nn.Module):
    """A network for gray images that also denoises arrays of any type and size.

    Parameters
    ----------
    network : Network
        Denoises (B, 1, H, W) tensors of gray levels / 255.
    behaviour : Behaviour, optional
        The noise levels that it was trained for, and how it is to be used.
    provenance : dict, optional
        What is known of its weights, for people.
    """

    def __init__(
        self,
        network: Network,
        behaviour: Behaviour | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.behaviour = behaviour or Behaviour()
        self.provenance = provenance or {}

    @property
    def networks(self) -> list[Network]:
        """Every network that sees the image."""
        return [self.network]

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise (B, 1, H, W) tensors of gray levels / 255; the noise level as in `denoise`."""
        return self._run(self.network, noisy, None)

    @torch.inference_mode()
    def denoise(
        self,
        image: ArrayLike,
        sigma: float | None = None,
        *,
        guide: ArrayLike | None = None,
        channel_axis: int | None = None,
        data_range: float | None = None,
        tile: int = _TILE,
    ) -> NDArray:
        """Remove white Gaussian noise.

        Parameters
        ----------
        image : array_like, (H, W) or with channels along `channel_axis`
            uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
        sigma : float, optional
            Standard deviation of the noise, in the unit of the image; one that the network was
            not trained for is refused. Default: the level that it was trained for or, if these
            are many, `raisr.estimate_sigma` of each channel. A network of many levels smooths
            more where more is told.
        guide : array_like, optional
            Image that is classified instead of `image`; of its shape and unit. Only for networks
            with classes, and needed where these are those of the clean image.
        channel_axis : int, optional
            Axis of the channels of a colour image. Each channel is denoised by itself, with the
            classes of the luma (three channels: ITU-R BT.601; else the mean).
        data_range : float, optional
            Value of white: by default the maximum of an integer type, 1.0 for floats.
        tile : int
            Side of the tiles that are in work at once, in pixels. On a CPU the result is the same
            for any of them, and for any number of threads: to the bit for EDSR, CARN and their
            class-specific twins, up to rounding for other networks.

        Returns
        -------
        out : array
            Of the shape and dtype of `image`. Integers are rounded and clipped, floats neither
            clipped nor rescaled.

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape, an empty image, NaN or infinity, a noise level that the
            network was not trained for, a guide that it does not take, or a tile below 1.
        """
        planes = _planes(as_channels(image, channel_axis, data_range))
        dtype = np.asarray(image).dtype
        white = data_range_of(dtype, data_range)
        level = self._check_sigma(sigma, white)
        maps = self._maps(planes, guide, channel_axis, data_range, tile, level)
        tiled = partial(run_in_tiles, _for_inference(self.network), self.network.reach, tile)
        outputs = [self._run(tiled, plane, level, *maps)[0, 0] for plane in planes]
        restored = [restore(out.numpy() * GRAY_LEVELS, dtype, white) for out in outputs]
        return restored[0] if channel_axis is None else np.stack(restored, channel_axis)

    def _run(self, network, noisy, sigma, *maps):
        """Run a network on images that are prepared as those that it was trained on."""
        levels = None
        if self.behaviour.many_levels:
            found = [self._estimate(image) if sigma is None else sigma for image in noisy[:, 0]]
            levels = noisy.new_tensor(found)[:, None, None, None]
        return at_reference(network, noisy, levels, *maps)

    def _estimate(self, plane):
        """Return the noise level of a plane, both gray levels / 255."""
        found = estimate_sigma(plane.float().numpy(force=True))
        lowest = self.behaviour.sigma_min or 0.0
        return self._check_sigma(max(found, lowest / GRAY_LEVELS), 1.0)

    def _maps(self, planes, guide, channel_axis, data_range, tile, sigma):
        if guide is not None:
            raise ValueError("a network without classes takes no guide")
        return ()

    def _check_sigma(self, sigma, white):
        """Return the noise level in gray levels / 255, if it is given."""
        if sigma is None:
            return None
        level = check_sigma(sigma, white)
        lowest, highest = self.behaviour.sigma_min, self.behaviour.sigma
        if highest is None:
            return level / GRAY_LEVELS
        if not 0.8 * (highest if lowest is None else lowest) <= level <= 1.25 * highest:
            told = f"{highest:g}" if lowest is None else f"{lowest:g} to {highest:g}"
            raise ValueError(
                f"the network was trained for sigma {told}, got {level:.4g} (gray levels of "
                "255): choose other weights (see list_weights), or raisr.denoise; or is "
                "data_range wrong?"
            )
        return level / GRAY_LEVELS


class ClassSpecificDenoiser(NetworkDenoiser):
    """A classifier and a class-specific network (CSDN): what the paper proposes.

    Parameters
    ----------
    network : Network
        Takes images and class maps, for example `EDSR` with `num_classes`.
    classifier : nn.Module
        Maps images to class maps: `PCNClassifier`, `HashClassifier` or `DenoisedClassifier`.
    behaviour, provenance : optional
        See `NetworkDenoiser`.

    References
    ----------
    Xu et al., AAAI 2021, "Class Specific Denoising Network".
    """

    def __init__(
        self,
        network: Network,
        classifier: PCNClassifier | HashClassifier,
        behaviour: Behaviour | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(network, behaviour, provenance)
        if network.num_classes != classifier.spec.num_classes:
            raise ValueError(
                f"the network has {network.num_classes} classes, its classifier "
                f"{classifier.spec.num_classes}"
            )
        self.classifier = classifier

    @property
    def networks(self) -> list[Network]:
        """Every network that sees the image."""
        pcn = [self.classifier.pcn] if isinstance(self.classifier, PCNClassifier) else []
        return [self.network, *pcn]

    def forward(self, noisy: Tensor, guide: Tensor | None = None) -> Tensor:
        """Denoise (B, 1, H, W) tensors; the classes are those of the guide, or of the images."""
        with torch.no_grad():
            classes = self.classifier(noisy if guide is None else guide)
        return self._run(self.network, noisy, None, classes)

    @torch.inference_mode()
    def classify(
        self,
        image: ArrayLike,
        sigma: float | None = None,
        *,
        channel_axis: int | None = None,
        data_range: float | None = None,
        tile: int = _TILE,
    ) -> NDArray:
        """Return the class map of an image, (H, W) integers; the arguments are `denoise`'s."""
        planes = _planes(as_channels(image, channel_axis, data_range))
        level = self._check_sigma(sigma, data_range_of(np.asarray(image).dtype, data_range))
        return self._class_map(planes, tile, level)[0].numpy()

    def _maps(self, planes, guide, channel_axis, data_range, tile, sigma):
        if guide is not None:
            guides = _planes(as_channels(guide, channel_axis, data_range, "guide"))
            if [plane.shape for plane in guides] != [plane.shape for plane in planes]:
                raise ValueError("guide and image must have the same shape")
            planes = guides
        elif foreign := self.behaviour.foreign_classes:
            raise ValueError(
                f"the classes of this network are those of {foreign}: pass it as guide"
            )
        return (self._class_map(planes, tile, sigma),)

    def _class_map(self, planes, tile, sigma):
        classifier, luma = _for_inference(self.classifier), _luma(planes)
        if isinstance(classifier, DenoisedClassifier):
            known = classifier.sigma if classifier.sigma is not None else sigma
            if known is None:  # of the whole image, as each tile would find another level
                classifier.sigma = self._estimate(luma[0, 0])
            else:  # luma holds less noise than a channel
                classifier.sigma = known * float(np.linalg.norm(luma_weights(len(planes))))
        return run_in_tiles(classifier, self.classifier.reach, tile, luma)


def _for_inference(network):
    """Return a function of tensors on the CPU that runs the network on its own device."""
    device = next((parameter.device for parameter in network.parameters()), None)
    if device is None or device.type == "cpu":
        return exact(network)
    network = copy.deepcopy(network).float().eval()
    return lambda *inputs: network(*(value.to(device) for value in inputs)).cpu()


def _planes(channels):
    return [
        torch.from_numpy(channel.plane() / np.float32(GRAY_LEVELS))[None, None]
        for channel in channels
    ]


def _luma(planes):
    weights = luma_weights(len(planes))
    return sum(float(weight) * plane for weight, plane in zip(weights, planes, strict=True))
