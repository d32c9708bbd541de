"""What is done to the planes of an array: decided once for those that share their noise."""

from collections.abc import Sequence

import numpy as np

from raisr.denoising import step_of
from raisr.layout import Layout
from raisr.planes import Planes
from raisr.sampling import levelled, montage, tile_places
from raisr.steps import Step
from raisr.validate import GrayImage

__all__ = ["run_step", "steps_of"]

Tile = tuple[slice, slice]


def steps_of(planes: Planes, tiles: Sequence[Tile], model, told, noise) -> list[Step]:
    """Return the step of each group of planes that share their noise.

    Parameters
    ----------
    planes : Planes
    tiles : sequence of (slice, slice)
        Parts that together are a plane, as they are read where all of it matters.
    model, told, noise
        What is asked for; `told` as `raisr.denoising.check_task` returns it.
    """
    return [_step_for(planes, group, tiles, model, told, noise) for group in planes.layout.groups()]


def _step_for(planes, group, tiles, model, told, noise):
    layout = planes.layout

    def read(plane, y, x, h, w):
        channels = planes.part(group[plane], slice(y, y + h), slice(x, x + w))
        arrays = [channel.array for channel in channels]
        return arrays[0] if layout.samples is None else np.stack(arrays, axis=-1)

    def parts():
        return (planes.part(plane, *tile) for plane in group for tile in tiles)

    image = montage(tile_places(len(group), *layout.size), read)
    arrays = [image] if layout.samples is None else list(np.moveaxis(image, -1, 0))
    sample = levelled(arrays, planes.factor)
    return step_of(model, told, noise, sample, parts, planes.white)


def run_step(
    step: Step,
    channels: list[GrayImage],
    layout: Layout,
    white: float,
    num_threads: int,
    inner: tuple[slice, ...] = (slice(None), slice(None)),
) -> np.ndarray:
    """Return what a step makes of a part of a plane, with the axes of the array.

    Parameters
    ----------
    channels : list of GrayImage
        What is wanted, with what it depends on.
    inner : (slice, slice)
        What is wanted of it.
    """
    outs = [np.empty(channel.shape, channel.array.dtype) for channel in channels]
    step.run(channels, outs, white, num_threads)
    kept = [out[inner] for out in outs]
    pixels = kept[0] if layout.samples is None else np.stack(kept, axis=-1)
    return layout.from_pixels(pixels)
