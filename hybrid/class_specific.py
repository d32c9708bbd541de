"""A classifier and a class-specific network, denoising together."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hybrid.behaviour import Behaviour
from hybrid.classifiers import DenoisedClassifier, HashClassifier, PCNClassifier
from hybrid.csconv.threads import mend_after_fork
from hybrid.denoiser import NetworkDenoiser
from hybrid.levels import at_reference
from hybrid.networks import Network
from hybrid.planes import as_gray, as_tensor, levelled_planes
from hybrid.tiles import check_tile
from raisr.colour import opponent_planes
from raisr.validate import GRAY_LEVELS, check_sigma, data_range_of


class ClassSpecificDenoiser(NetworkDenoiser):
    """A classifier and a class-specific network (CSDN): what the paper proposes.

    Parameters
    ----------
    network : Network
        Takes images and class maps, for example `EDSR` with `num_classes`.
    classifier : nn.Module
        Maps images to class maps: `PCNClassifier`, `HashClassifier` or `DenoisedClassifier`.
    behaviour, provenance, precision : optional
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
        precision: str = "float32",
    ) -> None:
        super().__init__(network, behaviour, provenance, precision)
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
        """Denoise (B, 1, H, W) tensors; the classes are those of the guide, or of the images.

        Raises
        ------
        ValueError
            There is no guide, and the classes are not those of the noisy image.
        """
        self._check_guide(guide)
        with torch.no_grad():
            classes = self.classifier(noisy if guide is None else guide)
        return at_reference(self.network, noisy, self._levels(noisy), classes)

    @torch.inference_mode()
    def classify(
        self,
        image: ArrayLike,
        sigma: float | None = None,
        *,
        channel_axis: int | None = None,
        data_range: float | None = None,
        tile: int | None = None,
    ) -> NDArray:
        """Return the class map of an image, (H, W) integers; the arguments are `denoise`'s.

        Of a colour image, it is that of the brightness, the sum of red, green and blue.
        """
        mend_after_fork()
        check_tile(tile)
        planes = levelled_planes(self._channels(image, channel_axis, data_range))
        level = None
        if sigma is not None:
            level = check_sigma(sigma, data_range_of(np.asarray(image).dtype, data_range))
        self._check_level(level)
        plane, factor = planes[0], 1.0
        if len(planes) == 3:
            one_level = not self.behaviour.many_levels
            plane, factor = as_gray(opponent_planes(planes), one_level=one_level)[0]
        known = None if level is None else level * factor
        return self._maps(as_tensor(plane), known, tile)[0][0].numpy()

    def _guides(self, image, guide, channel_axis, data_range):
        self._check_guide(guide)
        if guide is None:
            return None
        guides = self._channels(guide, channel_axis, data_range, "guide")
        types = [np.asarray(each).dtype for each in (image, guide)]
        if len({data_range_of(dtype, data_range) for dtype in types}) > 1:
            raise TypeError(
                f"guide is {types[1]} where the image is {types[0]}: pass data_range, the value "
                "of white in both, or both in one type"
            )
        if np.shape(guide) != np.shape(image):
            raise ValueError("guide and image must have the same shape")
        return levelled_planes(guides)

    def _check_guide(self, guide: object) -> None:
        if guide is None and (foreign := self.behaviour.foreign_classes):
            raise ValueError(
                f"the classes of this network are those of {foreign}: pass it as guide"
            )

    def _maps(self, source, level, tile):
        if isinstance(self.classifier, DenoisedClassifier):
            if level is None and self.classifier.sigma is None:
                level = self._estimate(source[0, 0])
            return (self.classifier.of_whole(source, level and level / GRAY_LEVELS),)
        classifier = self._inference("classifier")
        return (self._in_tiles(classifier, self.classifier.reach, tile, source),)
