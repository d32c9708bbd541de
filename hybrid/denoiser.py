"""From an image to an image: a network, with what it sees beside the noisy image."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hybrid.behaviour import Behaviour
from hybrid.brightness import between_black_and_white
from hybrid.csconv.threads import mend_after_fork
from hybrid.ensemble import check_size, mean_of_positions
from hybrid.exact import exact
from hybrid.levels import at_reference
from hybrid.networks import Network
from hybrid.planes import Planes, as_gray, as_tensor, from_gray, levelled_planes
from hybrid.precision import in_bfloat16
from hybrid.tiles import check_tile, run_in_tiles
from raisr.colour import opponent_planes, rgb_planes
from raisr.denoising import white_level
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    as_channels,
    check_sigma,
    data_range_of,
    misfit,
    restore,
)
from raisr.warn import warn_caller

_TILE = 512
_INSIDE = ("hybrid", "raisr", "torch")  # not where warnings point at
_REACHES = 16  # a tile is so many times as wide as its margin, or wider

Plane = NDArray[np.float32]  # (H, W), gray levels


class Options(NamedTuple):
    """Of a call of `NetworkDenoiser.denoise`."""

    tile: int | None
    ensemble: int


class NetworkDenoiser(nn.Module):
    """A network that also denoises arrays of any type and size.

    Parameters
    ----------
    network : Network
        Denoises (B, channels, H, W) tensors of gray levels / 255.
    behaviour : Behaviour, optional
        The noise levels that it was trained for, and how it is to be used.
    provenance : dict, optional
        What is known of its weights, for people.
    precision : {"float32", "bfloat16", "auto"}
        Of `denoise` on a CPU, for networks that are made for it (the hybrid U-Net); "auto" is
        bfloat16 where the processor multiplies it. Others compute in float32.
    """

    def __init__(
        self,
        network: Network,
        behaviour: Behaviour | None = None,
        provenance: dict[str, Any] | None = None,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self._bfloat16 = in_bfloat16(precision, torch.device("cpu"))
        self.network = network
        self.behaviour = behaviour or Behaviour()
        self.provenance = provenance or {}
        self._prepared: dict[str, _Prepared] = {}

    @property
    def networks(self) -> list[Network]:
        """Every network that sees the image."""
        return [self.network]

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise (B, 1, H, W) tensors of gray levels / 255; the noise level as in `denoise`."""
        return at_reference(self.network, noisy, self._levels(noisy))

    @torch.inference_mode()
    def denoise(
        self,
        image: ArrayLike,
        sigma: float | None = None,
        *,
        guide: ArrayLike | None = None,
        channel_axis: int | None = None,
        data_range: float | None = None,
        tile: int | None = None,
        ensemble: int = 1,
    ) -> NDArray:
        """Remove white Gaussian noise.

        Parameters
        ----------
        image : array_like, (H, W) or with channels along `channel_axis`
            uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
        sigma : float, optional
            Standard deviation of the noise, in the unit of the image; 0 gives back the image, one
            that the network was not trained for is refused. Default: the level that it was
            trained for or, if these are many, what `raisr.denoise` finds. A network of many levels
            smooths more where more is told.
        guide : array_like, optional
            Image that is classified instead of `image`; of its shape, type and unit. Only for
            networks with classes, and needed where these are those of the clean image.
        channel_axis : int, optional
            Axis of the channels. Three are taken for red, green and blue, and denoised in the
            opponent space (`raisr.colour.OPPONENT`): together by a network for colours, plane by
            plane by one for gray images. Any other number: each by itself.
        data_range : float, optional
            Value of white: by default the maximum of an integer type, 1.0 for floats.
        tile : int, optional
            Side of the tiles that are in work at once, in pixels; default: 512, or more where the
            network sees far. On a CPU the result is the same
            for any of them, and for any number of threads: to the bit for EDSR, CARN and the
            hybrid U-Net, class-specific or not, up to rounding for other networks.
        ensemble : {1, 2, 4, 8}
            The result is the mean of so many, of the image as it is, turned and mirrored, for
            nearly as many times the time.

        Returns
        -------
        out : array
            Of the shape and dtype of `image`. Integers are rounded and clipped, floats neither
            clipped nor rescaled.

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape, an empty image, NaN or infinity, a noise level that the
            network was not trained for, a guide that it does not take, a tile below 1, or another
            ensemble.

        Warns
        -----
        UserWarning
            Where the values do not fit white: from dark to bright they span more than a network
            knows or, if `data_range` is not told, they lie far from there.
        """
        mend_after_fork()
        check_tile(tile)
        check_size(ensemble)
        channels = self._channels(image, channel_axis, data_range)
        dtype = channels[0].array.dtype
        white = data_range_of(dtype, data_range)
        level = None if sigma is None else check_sigma(sigma, white)
        guides = self._guides(image, guide, channel_axis, data_range)
        out = np.array(image, dtype)
        if level == 0:
            return out
        self._check_level(level)
        options = Options(tile, ensemble)
        done = self._denoise(levelled_planes(channels), level, guides, options)
        outs = [out] if channel_axis is None else np.moveaxis(out, channel_axis, 0)
        for channel, plane, target in zip(channels, done, outs, strict=True):
            if channel.pedestal:
                channel.put_back(plane, target, data_range)
            else:
                target[...] = restore(plane, dtype, white)
        return out

    def _channels(
        self,
        image: ArrayLike,
        axis: int | None,
        data_range: float | None,
        name: str = "image",
    ) -> list[GrayImage]:
        """Return the checked channels of an image, each where the network knows it."""
        said: list[str] = []
        given = as_channels(image, axis, data_range, name, warn=said.append)
        channels, fit = zip(*map(between_black_and_white, given), strict=True)
        if said or (self._contrast_matters and not all(fit)):
            warn_caller(misfit(name, given[0].array.dtype, data_range), _INSIDE)
        return list(channels)

    @property
    def _contrast_matters(self) -> bool:
        """Whether the network sees an image as it is, and not scaled by its noise."""
        return not self.behaviour.many_levels

    def _denoise(
        self, planes: Planes, level: float | None, guides: Planes | None, options: Options
    ) -> Planes:
        """Denoise all planes of an image."""
        if len(planes) != 3:
            sources = planes if guides is None else guides
            pairs = zip(planes, sources, strict=True)
            return np.stack([self._gray(*pair, level, options) for pair in pairs])
        one_level = not self.behaviour.many_levels
        images = as_gray(opponent_planes(planes), one_level=one_level)
        guided = images if guides is None else as_gray(opponent_planes(guides), one_level=one_level)
        done = [
            self._gray(
                plane, source, None if level is None else level * factor, options, mixed=True
            )
            for (plane, factor), (source, _) in zip(images, guided, strict=True)
        ]
        return rgb_planes(from_gray(done, one_level=one_level))

    def _gray(
        self,
        plane: Plane,
        source: Plane,
        level: float | None,
        options: Options,
        *,
        mixed: bool = False,
    ) -> Plane:
        """Denoise a gray image, or a mixture of channels, with the classes of another one."""
        if level is None and self.behaviour.many_levels:
            level = self._estimate(as_tensor(plane)[0, 0], mixed=mixed)
        network = self._inference("network")

        def in_tiles(*inputs):
            return self._in_tiles(network, self.network.reach, options.tile, *inputs)

        def run(planes, sources):
            noisy = as_tensor(planes[0])
            maps = self._maps(as_tensor(sources[0]), level, options.tile)
            out = at_reference(in_tiles, noisy, self._levels(noisy, level), *maps)
            return out[0].numpy() * np.float32(GRAY_LEVELS)

        return mean_of_positions(options.ensemble, run, plane[None], source[None])[0]

    def _in_tiles(self, network, reach: int | None, tile: int | None, *inputs: Tensor) -> Tensor:
        if tile is None:
            tile = max(_TILE, _REACHES * (reach or 0))
        return run_in_tiles(network, reach, tile, *inputs)

    def _levels(self, noisy: Tensor, level: float | None = None) -> Tensor | None:
        """Return the noise level of each image, gray levels / 255, if the network asks for it."""
        if not self.behaviour.many_levels:
            return None
        found = [self._estimate(image) if level is None else level for image in noisy[:, 0]]
        return noisy.new_tensor(found)[:, None, None, None] / GRAY_LEVELS

    def _estimate(self, image: Tensor, *, mixed: bool = False) -> float:
        """Return the noise level of an image, or of a mixture of channels, in gray levels."""
        found = white_level(image.float().numpy(force=True), mixed=mixed) * GRAY_LEVELS
        found = max(found, self.behaviour.sigma_min or 0.0)
        self._check_level(found)
        return found

    def _maps(self, source: Tensor, level: float | None, tile: int | None) -> tuple[Tensor, ...]:
        """Return the class map of an image whose noise may be known, if there are classes."""
        return ()

    def _guides(self, image, guide, channel_axis, data_range) -> Planes | None:
        if guide is not None:
            raise ValueError("this network takes no guide")
        return None

    def _check_level(self, level: float | None) -> None:
        """Refuse a noise level, in gray levels, that the network was not trained for."""
        lowest, highest = self.behaviour.sigma_min, self.behaviour.sigma
        if level is None or highest is None:
            return
        if not 0.8 * (highest if lowest is None else lowest) <= level <= 1.25 * highest:
            told = f"{highest:g}" if lowest is None else f"{lowest:g} to {highest:g}"
            raise ValueError(
                f"the network was trained for sigma {told}, got {level:.4g} (gray levels of "
                "255): choose other weights (see list_weights), or raisr.denoise; or is "
                "data_range wrong?"
            )

    def _inference(self, name: str) -> Callable[..., Tensor]:
        """Return a part of this module as a function of tensors on the CPU; made once."""
        part = getattr(self, name)
        kept = self._prepared.get(name)
        if kept is None or not kept.is_of(part):
            layers = getattr(part, "float32_layers", ()) if self._bfloat16 else ()
            kept = self._prepared[name] = _Prepared(part, layers)
        return kept.run


class _Prepared:
    """A module made ready for inference, and the weights that it was made of.

    Where layers are named, the others compute in bfloat16 on a CPU.
    """

    def __init__(self, module: nn.Module, float32_layers: Sequence[str]) -> None:
        self._weights = [value.clone() for value in module.state_dict().values()]
        device = next((parameter.device for parameter in module.parameters()), None)
        if device is None or device.type == "cpu":
            self.run: Callable[..., Tensor] = exact(module, float32_layers or None)
            return
        network = copy.deepcopy(module).float().eval()
        self.run = lambda *inputs: network(*(value.to(device) for value in inputs)).cpu()

    def is_of(self, module: nn.Module) -> bool:
        """Tell whether the module still has those weights, on that device."""
        now = list(module.state_dict().values())
        return len(now) == len(self._weights) and all(
            a.device == b.device and torch.equal(a, b)
            for a, b in zip(now, self._weights, strict=True)
        )
