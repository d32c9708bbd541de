"""A network behind learned filters: from an image to an image, at any noise level."""

import numpy as np
import torch
from torch import Tensor

from hybrid.classifiers import class_tensor
from hybrid.denoiser import NetworkDenoiser, Options
from hybrid.ensemble import mean_of_positions
from hybrid.filtered import filtered, filtered_as_found, guide_of
from hybrid.planes import Planes
from raisr import hash_image
from raisr.colour import opponent_planes, rgb_planes
from raisr.validate import GRAY_LEVELS

_FAINT = {"gray": 1.5, "colour": 8.0, "pairs": 1.0}
"""Gray levels: in fainter noise the filters' result counts more and more. Chosen for white noise on
held-back images of bsd400; where there are colours, networks mistake faint details of theirs."""


class HybridDenoiser(NetworkDenoiser):
    """A network that finishes what learned filters began, at any noise level.

    Parameters
    ----------
    network : Network
        One with "levels" among its `inputs`, such as `UNet`.
    behaviour, provenance, precision : optional
        See `NetworkDenoiser`.
    """

    def forward(self, noisy: Tensor, levels: Tensor) -> Tensor:  # type: ignore[override]
        """Denoise (B, channels, H, W) tensors of gray levels / 255.

        Parameters
        ----------
        noisy : (B, channels, H, W) tensor
        levels : (B, 1, 1, 1) tensor
            Standard deviation of the noise, in the unit of the images.
        """
        sigmas = (levels.flatten() * GRAY_LEVELS).tolist()
        stacked = noisy.detach().float().cpu().numpy() * np.float32(GRAY_LEVELS)
        done = [self._filtered(*pair) for pair in zip(stacked, sigmas, strict=True)]
        each = [self._maps_of(planes) for planes in done]
        maps = [torch.cat(parts).to(noisy.device) for parts in zip(*each, strict=True)]
        return self.network(noisy, levels, *maps)

    @property
    def _contrast_matters(self):
        return True

    def _denoise(self, planes, level, guides, options):
        if self.network.channels == 3:
            if len(planes) != 3:
                raise ValueError(
                    f"this network is for three colours, and the image has {len(planes)} "
                    "channel(s): see hybrid.denoise, which chooses by them"
                )
            return rgb_planes(self._joint(opponent_planes(planes), level, options, mixed=True))
        return super()._denoise(planes, level, guides, options)

    def _gray(self, plane, source, level, options, *, mixed=False):
        return self._joint(plane[None], level, options, mixed=mixed)[0]

    def _joint(
        self, planes: Planes, level: float | None, options: Options, *, mixed: bool
    ) -> Planes:
        """Denoise the planes that the network sees at once."""
        level, done = self._found(planes, level, mixed=mixed)
        network = self._inference("network")
        levels = torch.full((1, 1, 1, 1), level / GRAY_LEVELS)

        def run(planes, done):
            noisy = torch.from_numpy(planes / np.float32(GRAY_LEVELS))[None]
            out = self._in_tiles(
                lambda noisy, *maps: network(noisy, levels, *maps),
                self.network.reach,
                options.tile,
                noisy,
                *self._maps_of(done),
            )
            return out[0].numpy() * np.float32(GRAY_LEVELS)

        out = mean_of_positions(options.ensemble, run, planes, done)
        kind = "gray" if self.network.channels == 1 else "colour"
        faint = _FAINT["pairs" if self.behaviour.pairs else kind]
        if done is not None and "filtered" in self.network.inputs and level < faint:
            out = done + np.float32(level / faint) ** 2 * (out - done)
        return out

    def _found(
        self, planes: Planes, level: float | None, *, mixed: bool
    ) -> tuple[float, Planes | None]:
        """Return the level of the noise, and what filters make of the planes if that is seen."""
        if level is None and self.behaviour.pairs:
            done, level = filtered_as_found(planes, torch.get_num_threads())
            return level, done
        if level is None:
            noisy = torch.from_numpy(planes / np.float32(GRAY_LEVELS))
            found = [self._estimate(plane, mixed=mixed) for plane in noisy]
            level = float(np.median(found))  # texture of the luma counts as noise
        return level, self._filtered(planes, level)

    def _filtered(self, planes: Planes, level: float) -> Planes | None:
        """Return what filters make of planes; None if the network sees nothing of it."""
        if len(self.network.inputs) == 1:
            return None
        return filtered(planes, level, torch.get_num_threads())

    def _maps_of(self, done: Planes | None) -> list[Tensor]:
        """Return what the network sees beside an image and the level of its noise."""
        if done is None:
            return []
        found = {"filtered": lambda: torch.from_numpy(done / np.float32(GRAY_LEVELS))[None]}
        if (spec := self.behaviour.spec) is not None:
            found["classes"] = lambda: class_tensor(
                hash_image(guide_of(done), spec, data_range=GRAY_LEVELS), spec
            )[None]
        return [found[name]() for name in self.network.inputs[1:]]
