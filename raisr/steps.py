"""What is done to the channels of an image, decided once, then done to the whole or in parts."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from raisr.blocks import in_threads
from raisr.camera_models import GAINS, camera_filters
from raisr.cascade import run_stages
from raisr.clipping import BLOCK, undo_clipping
from raisr.colour_bank import ColourBank, check_three, run_colour
from raisr.constant_areas import REACH, keep_constant_areas
from raisr.estimation import noise_of
from raisr.few_values import all_values_told
from raisr.models import bank_for, colour_bank_for
from raisr.noise_estimate import NoiseEstimate
from raisr.peaks import peak_of
from raisr.pyramid_bank import run_pyramid
from raisr.reach import period_of, reach_of_colour, reach_of_pyramid, reach_of_stages
from raisr.stabilisation import PhotonNoise, anscombe, inverse_anscombe
from raisr.treatment import ends, is_too_strong, treatment_of
from raisr.validate import GRAY_LEVELS, GrayImage
from raisr.wavelet_level import channel_levels

__all__ = ["Step", "bank_step", "choose_step", "copied", "repeated"]

_ALIKE = 6.0  # ratio of the levels of channels that go through opponent space, at most
_STEADY = 1e-4  # by how much levels may differ, relative to them, in what is filtered as white


class Step(NamedTuple):
    """What is done to channels, or to a part of them.

    Attributes
    ----------
    run : callable
        ``run(channels, outs, data_range, num_threads)``: from a list of GrayImage into arrays in
        the caller's dtype and unit, `data_range` being their white.
    reach : int
        How many pixels away a result sees.
    period : int
        A part of an image begins at rows and columns that are multiples of it.
    about : dict
        JSON-able: steps that tell the same do the same. "step" is "copy", "white", "shared",
        "few values", "photon", "camera", "mosaic", "bank", "each" or "gray"; "of" the steps of
        each channel, or that of the one; "level", "levels" and "planes" are levels in gray levels,
        of all channels, of each, or of opponent planes; "noise" is gain, sigma and offset; "share"
        how much of each change is made. A copy may be "likely": noise of that kind, or texture.
    found : NoiseEstimate or None
        By what it was chosen, in gray levels; None where it was told what to do.
    """

    run: Callable[..., None]
    reach: int
    period: int
    about: dict[str, Any]
    found: NoiseEstimate | None = None


def choose_step(model, sample, parts, told, noise, num_threads=1):
    """Choose what a shipped model does to an image.

    Parameters
    ----------
    model : {"fast", "best"}
    sample : list of GrayImage
        The channels, or a smaller image of them in which noise is looked for.
    parts : callable
        ``parts()`` yields lists of GrayImage that together are the whole image: for what must
        hold everywhere.
    told : list of float or None
        Levels of white noise in gray levels, one or one for each channel.
    noise : str, PhotonNoise or None
        See `raisr.denoise`; a PhotonNoise in gray levels.
    num_threads : int

    Returns
    -------
    Step
    """
    if told is not None:
        return _kept(_unclipped(_white(model, told, len(sample)), told))
    if len(sample) not in (1, 3):

        def alone(i):
            def own_parts():
                return ([part[i]] for part in parts())

            return choose_step(model, [sample[i]], own_parts, None, noise, num_threads)

        return _beside([alone(i) for i in range(len(sample))])
    if isinstance(noise, PhotonNoise):
        return _kept(_photonic(model, noise, sample, parts))
    peaks = in_threads(num_threads, peak_of, sample)
    found = noise_of(sample, peaks, num_threads)
    step = _for_what_was_found(model, sample, parts, found, noise, peaks, num_threads)
    return step._replace(found=found)


def _for_what_was_found(model, sample, parts, found, noise, peaks, num_threads):
    treatment = treatment_of(found, noise)
    if treatment in GAINS:
        # What JPEG made constant had noise.
        filters = camera_filters(model, treatment, found, told=noise is not None)
        return _camera(model, treatment, *filters)
    if treatment == "photon":
        return _kept(_photonic(model, found.photons, sample, parts))
    shared = found.shared_levels() if treatment == "shared" else None
    levels, sure = channel_levels(sample, found, peaks, num_threads)
    levels = [min(level, found.most_white) for level in levels]
    if not found.grows and (known := _known(sample, levels)):
        return known
    if noise is None:  # shared noise is in three channels, which are sure
        levels = [sure * level for level in levels]
    return _kept(_unclipped(_white(model, levels, len(sample), shared), levels))


def copied(**facts):
    """Return the step that changes nothing; `facts` are what else it tells of itself."""

    def run(channels, outs, data_range, num_threads):
        for channel, out in zip(channels, outs, strict=True):
            out[...] = channel.array

    return Step(run, 0, 1, {"step": "copy", **facts})


def bank_step(bank, channels):
    """Return the step of a bank of the caller's: a ColourBank, or a FilterBank for each channel."""
    if isinstance(bank, ColourBank):
        check_three(channels)
        return _coloured(bank, {"step": "bank", "bank": _digest(bank.luma, *bank.chroma)})
    step = _filtered(bank, {"step": "bank", "bank": _digest(bank)})
    return _beside([step] * len(channels))


def repeated(step):
    """Return the step for channels that are all alike: what is done to the first."""

    def run(channels, outs, data_range, num_threads):
        step.run(channels[:1], outs[:1], data_range, num_threads)
        for out in outs[1:]:
            out[...] = outs[0]

    return step._replace(run=run, about={"step": "gray", "of": step.about})


def _white(model, levels, count, planes=None):
    """Remove white noise of levels in gray levels: of all channels, of each, or of each plane."""
    kind = "shared" if planes else "white"
    planes = planes or _plane_levels(levels, count)
    if planes is not None:
        about = {"step": kind, "model": model, "planes": list(planes)}
        return _coloured(colour_bank_for(model, *planes), about, planes)
    levels = levels * count if len(levels) == 1 else levels
    about = {"step": "white", "model": model}
    return _beside(
        [
            _filtered(bank_for(model, level), {**about, "level": level}) if level > 0 else copied()
            for level in levels
        ]
    )


def _known(channels, levels):
    """Return the step of an image of few values, such as a dither; None where filters know more."""
    tables = all_values_told(channels, levels)
    if tables is None:
        return None

    def run(channels, outs, data_range, num_threads):
        for channel, out, table in zip(channels, outs, tables, strict=True):
            plane = np.interp(channel.levelled().plane(), *table).astype(np.float32)
            channel.put_back(plane, out, data_range)

    digest = hashlib.sha256(b"".join(part.tobytes() for table in tables for part in table))
    about = {"step": "few values", "levels": levels, "tables": digest.hexdigest()}
    return Step(run, 0, 1, about)


def _unclipped(step, levels):
    """Return the step after which what clipping took from the noise of integers is given back."""

    def run(channels, outs, data_range, num_threads):
        step.run(channels, outs, data_range, num_threads)
        each = levels * len(channels) if len(levels) == 1 else levels
        for channel, out, level in zip(channels, outs, each, strict=True):
            undo_clipping(channel, out, level, num_threads)

    period = int(np.lcm(step.period, BLOCK))
    return step._replace(run=run, reach=max(step.reach, BLOCK), period=period)


def _plane_levels(levels, count):
    """Return the levels of opponent planes, in gray levels; None where channels are too unlike."""
    if count != 3 or max(levels) ** 2 == 0 or max(levels) > _ALIKE * min(levels):
        return None
    r, g, b = np.square(levels * count if len(levels) == 1 else levels)
    planes = np.sqrt([(r + g + b) / 9, (r + b) / 2, (r + 4 * g + b) / 6])
    return tuple(planes.tolist())


def _filtered(bank, about):
    def run(channels, outs, data_range, num_threads):
        run_stages(bank.stages, channels, outs, data_range, num_threads)

    return Step(run, reach_of_stages(bank.stages), period_of(bank.stages), about)


def _coloured(bank, about, levels=None):
    def run(channels, outs, data_range, num_threads):
        run_colour(bank, channels, outs, data_range, num_threads, levels)

    stages = [stage for part in (bank.luma, *bank.chroma) for stage in part.stages]
    return Step(run, reach_of_colour(bank), period_of(stages), about)


def _camera(model, kind, bank, share):
    if share == 0:
        return copied(likely=kind)
    levels = bank.metadata["levels"]

    def run(channels, outs, data_range, num_threads):
        run_pyramid(bank, channels, outs, data_range, num_threads, levels, share)

    stages = [s for scale in bank.scales for cascade in scale.planes for s in cascade]
    period = period_of(stages) << (len(bank.scales) - 1)
    about = {"step": kind, "model": model, "planes": list(levels), "share": share}
    return Step(run, reach_of_pyramid(bank), period, about)


def _beside(steps):
    """Return the step that does one to each channel."""

    def run(channels, outs, data_range, num_threads):
        for step, channel, out in zip(steps, channels, outs, strict=True):
            step.run([channel], [out], data_range, num_threads)

    if len(steps) == 1:
        return steps[0]
    period = int(np.lcm.reduce([step.period for step in steps]))
    about = {"step": "each", "of": [step.about for step in steps]}
    return Step(run, max(step.reach for step in steps), period, about)


def _kept(step):
    """Return the step after which constant areas are as they were."""

    def run(channels, outs, data_range, num_threads):
        step.run(channels, outs, data_range, num_threads)
        keep_constant_areas(channels, outs, num_threads)

    return step._replace(run=run, reach=max(step.reach, REACH))


def _photonic(model, noise, sample, parts):
    """Remove Poisson-Gaussian noise, in gray levels, where it is white: after a transform."""
    steady = _steady_levels(noise, parts)
    if steady is not None:
        return _unclipped(_white(model, steady, len(sample)), steady)
    # Black and white of the image stay black and white, so that classes mean what they do.
    if is_too_strong(noise):
        raise ValueError(
            f"noise is too strong for this image: {noise}, where white is {GRAY_LEVELS:g} "
            "(is data_range right?)"
        )
    low, high = ends(noise)
    unit = float(GRAY_LEVELS / (high - low))
    inner = _white(model, [unit], len(sample))

    def run(channels, outs, data_range, num_threads):
        planes = [channel.levelled().plane() for channel in channels]
        each = _levelled(noise, channels)
        scaled = [
            GrayImage(((anscombe(plane, its) - low) * unit).astype(np.float32))
            for plane, its in zip(planes, each, strict=True)
        ]
        results = [np.empty(plane.shape, np.float32) for plane in planes]
        inner.run(scaled, results, GRAY_LEVELS, num_threads)
        for channel, its, result, out in zip(channels, each, results, outs, strict=True):
            stable = result.astype(np.float64) / unit + low
            channel.put_back(inverse_anscombe(stable, its), out, data_range)

    told = [noise.gain, noise.sigma, noise.offset]
    return inner._replace(run=run, about={"step": "photon", "model": model, "noise": told})


def _levelled(noise, channels):
    """Return the noise of each channel without its pedestal."""
    return [noise.moved(-channel.pedestal * channel.factor) for channel in channels]


def _steady_levels(noise, parts):
    """Return the level in each channel, if it is the same wherever that is dark or bright.

    None where it is not; more light and shade make no level steady, so that one part may tell.
    """
    lowest, highest = np.array(np.inf), np.array(0.0)
    for part in parts():
        each = zip(_levelled(noise, part), part, strict=True)
        planes = ((its, channel.levelled().plane()) for its, channel in each)
        levels = np.array([its.deviation(np.array([p.min(), p.max()], float)) for its, p in planes])
        lowest, highest = np.minimum(lowest, levels[:, 0]), np.maximum(highest, levels[:, 1])
        if np.any(highest - lowest > _STEADY * highest):
            return None
    return highest.tolist()


def _digest(*banks):
    """Return what tells banks apart, as a hexadecimal number."""
    stages = "".join(stage.digest for bank in banks for stage in bank.stages)
    return hashlib.sha256(stages.encode()).hexdigest()
