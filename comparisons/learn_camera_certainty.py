"""Learn how noise of a camera is told from texture: `python -m comparisons.learn_camera_certainty`.

Photographs of bsd400 by synthetic cameras, in full light and in less, beside the pictures without
noise, at half their size and at their own, in full light and in less, some as JPEGs; and drawn
skies at night, which bsd400 has none of. `--hold-back` measures the recipe on images not learned
from.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_camera import photograph
from comparisons.learn_models import HELD_BACK_IMAGES
from comparisons.learn_white import through_jpeg, write_weights
from comparisons.learn_white_chroma import resized_rgb
from comparisons.measure.store import COMMITTED
from raisr.camera_certainty import WEIGHTS, Planes, camera_certainty, fit_camera_certainty
from raisr.command import Parser, run
from raisr.datasets import ImageFile, load_dataset
from raisr.estimation import noise_of, plane_details
from raisr.noise import noise_seed
from raisr.noise_estimate import NoiseEstimate
from raisr.provenance import environment, git_commit, write_json
from raisr.validate import GRAY_LEVELS, as_channels

HELD_BACK = COMMITTED / "hold_back_camera_certainty.json"

_CLEAN = "half", "own"
_CAMERAS = "camera", "camera", "mosaic"
_GAINS = 0.0003, 0.05
_LIGHT = 1.0, 1.0, 0.5, 0.2
_JPEG = 0.5  # of the pictures without noise go through JPEG
_STRONG = 0.003  # gain
_SKIES = 64
_SKY = 320, 480
_STARS = 0.6, 8.0  # pixels
_BRIGHT = 10, 400  # gray levels


class Image(NamedTuple):
    """What an image is, and what is seen of it."""

    kind: str
    seen: tuple[NoiseEstimate, Planes]

    @property
    def is_camera(self) -> bool:
        """Whether it has a camera's noise."""
        return self.kind not in _CLEAN


@dataclass(frozen=True)
class Sky:
    """A drawn sky: stars, and galaxies in colours, on black; read as an `ImageFile` is."""

    name: str

    def read(self) -> NDArray[np.uint8]:
        """Return the pixels, (320, 480, 3)."""
        rng = np.random.default_rng(noise_seed("sky", self.name, 0))
        sky = np.full((*_SKY, 3), rng.uniform(0, 30, 3), np.float32)
        for _ in range(int(rng.integers(30, 200))):
            _add_star(sky, rng)
        return np.rint(sky).clip(0, GRAY_LEVELS).astype(np.uint8)


def _add_star(sky, rng):
    """Add light that falls off as an exponential, of any size, shape, turn and colour."""
    top, left = rng.integers(0, _SKY).tolist()
    along = float(np.exp(rng.uniform(*np.log(_STARS))))
    across = along * rng.uniform(0.3, 1)
    turn = rng.uniform(0, np.pi)
    light = np.exp(rng.uniform(*np.log(_BRIGHT))) * rng.uniform(0.5, 1, 3)
    reach = int(6 * along) + 1
    rows, columns = (slice(max(0, place - reach), place + reach + 1) for place in (top, left))
    part = sky[rows, columns]
    down, right = np.ogrid[: part.shape[0], : part.shape[1]]
    down, right = down - (top - rows.start), right - (left - columns.start)
    far = np.hypot(
        (down * np.sin(turn) + right * np.cos(turn)) / along,
        (right * np.sin(turn) - down * np.cos(turn)) / across,
    )
    part += (np.exp(-far)[..., None] * light).astype(np.float32)


@dataclass(frozen=True)
class _Dimmed(ImageFile):
    """A picture in less light."""

    light: float = 1.0

    def read(self) -> NDArray[np.uint8]:
        """Return the pixels."""
        return np.rint(self.light * super().read().astype(np.float32)).astype(np.uint8)


def images(photographs: Iterable[ImageFile | Sky]) -> Iterator[Image]:
    """Yield images of photographs: without noise, and as cameras take them."""
    for image in photographs:
        for index, size in enumerate(_CLEAN):
            rng = np.random.default_rng(noise_seed("no camera", image.name, index))
            clean = _in_any_light(image, rng).read()
            if clean.ndim == 2:
                break
            clean = resized_rgb(clean, size, rng)
            yield _seen(size, through_jpeg(clean, rng) if rng.random() < _JPEG else clean)
        for index, kind in enumerate(_CAMERAS):
            rng = np.random.default_rng(noise_seed("a camera", image.name, index))
            gain = float(np.exp(rng.uniform(*np.log(_GAINS))))
            noisy, _ = photograph(_in_any_light(image, rng), kind, gain, run=300 + index)
            yield _seen(f"{kind}, {'strong' if gain > _STRONG else 'faint'}", noisy)


def _in_any_light(image, rng):
    if isinstance(image, Sky):
        return image
    return _Dimmed(image.name, image.path, light=float(rng.choice(_LIGHT)))


def _skies(which):
    return [Sky(f"sky {which}, {number}") for number in range(_SKIES)]


def _seen(kind, pixels):
    channels = as_channels(pixels, -1, GRAY_LEVELS)
    return Image(kind, (noise_of(channels), plane_details(channels)))


def learn(learned: Iterable[Image]) -> NDArray[np.float64]:
    """Return the weights that tell a camera's noise: of images whose noise does not seem white."""
    seen, is_camera = [], []
    for image in learned:
        if not image.seen[0].is_white:
            seen.append(image.seen)
            is_camera.append(float(image.is_camera))
    return fit_camera_certainty(seen, is_camera)


def hold_back(photographs: list[ImageFile]) -> dict[str, Any]:
    """Learn from 9 of 10 photographs; return how many images of the tenth seem a camera's."""
    held = photographs[HELD_BACK_IMAGES]
    weights = learn(images([*(image for image in photographs if image not in held), *_skies(0)]))
    rows: dict[str, dict[str, int]] = {}
    for image in images([*held, *_skies(1)]):
        row = rows.setdefault(image.kind, {"images": 0, "white": 0, "surely": 0, "perhaps": 0})
        row["images"] += 1
        if image.seen[0].is_white:
            row["white"] += 1
            continue
        share = camera_certainty(*image.seen, weights)
        row["surely"] += share == 1
        row["perhaps"] += 0 < share < 1
    return {"commit": git_commit(), **environment(), "found": rows}


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the weights, or measure the recipe."""
    parser = Parser(
        prog="python -m comparisons.learn_camera_certainty", description=__doc__.split("\n\n")[0]
    )
    command.add_learning_options(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    if options.hold_back:
        write_json(HELD_BACK, hold_back(list(dataset)))
        print(f"wrote {HELD_BACK.name}")
        return
    write_weights(WEIGHTS, learn(images([*dataset, *_skies(0)])), dataset, skies=_SKIES)


if __name__ == "__main__":
    run(main)
