"""The hybrid U-Net: finishes what learned filters began, at half the resolution and below."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.networks.layers import ResidualBlock, extend, second_convolution
from hybrid.networks.network import Network, register

_PHASES = 2  # the finest scale has a fourth of the image's pixels, each with four phases
_SCALES = 3
_STRIDE = _PHASES * 2 ** (_SCALES - 1)
_SLOPE = 0.1  # of the LeakyReLU


@register("unet")
class UNet(Network):
    """U-Net on the four phases of the image, of what filters made of it, and of the noise level.

    Three scales with `features`, two and four times as many channels. A block is
    ``x + conv2(LeakyReLU(conv1(x)))``, 3x3, zero padded, with bias. Scales are joined by 2x2
    convolutions of stride 2, down and up; what was seen on the way down is added on the way up.
    The output is added to the noisy image. Training starts from the twin that sees the noisy image
    alone: behind the filters' result from the first step on, it finds nothing to add to it.

    Parameters
    ----------
    features : int
        Channels at half the resolution.
    channels : int
        Of the image: 1 for gray, 3 for the planes of `raisr.colour.opponent_planes`.
    blocks : triple of int
        Blocks of each scale, the finest first; those of the two finer ones come twice, on the way
        down and on the way up.
    num_classes : int, optional
        With it, `conv2` of the finest `special` scales is a `CSConv2d` of so many classes.
    special : int
        How many scales are class-specific.
    filtered : bool
        Whether it sees what `raisr.denoise` makes of the image, beside the image.

    Notes
    -----
    A class is that of every second row and column, at coarser scales of every fourth: the hash
    changes little from pixel to pixel.

    References
    ----------
    Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 2018 (phases and the map of the noise level);
    Xu et al., AAAI 2021 (class-specific convolution).
    """

    label = "hybrid U-Net"
    inputs: tuple[str, ...] = ("levels",)
    float32_layers = ("entry", "exit")

    def __init__(
        self,
        features: int = 32,
        channels: int = 1,
        blocks: tuple[int, int, int] = (1, 2, 3),
        num_classes: int | None = None,
        special: int = 1,
        filtered: bool = True,
    ):
        super().__init__()
        if len(blocks) != _SCALES:
            raise ValueError(f"blocks must be three numbers, got {blocks}")
        if not 1 <= special < _SCALES:
            raise ValueError(f"special must be 1 or 2, got {special!r}")
        self.channels, self.num_classes, self.filtered = channels, num_classes, filtered
        self.inputs = (
            "levels",
            *(["filtered"] if filtered else []),
            *(["classes"] if num_classes is not None else []),
        )
        self.reach = _reach(blocks)
        widths = [features * 2**scale for scale in range(_SCALES)]
        phases = channels * _PHASES**2
        classes = [num_classes if scale < special else None for scale in range(_SCALES)]
        # The filtered phases come last, so that the twin without has the first of these weights.
        self.entry = nn.Conv2d(phases * (2 if filtered else 1) + 1, features, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.before, self.after = nn.ModuleList(), nn.ModuleList()
        for scale in range(_SCALES - 1):
            width, wider = widths[scale], widths[scale + 1]
            self.before.append(_blocks(blocks[scale], width, classes[scale]))
            self.down.append(nn.Conv2d(width, wider, 2, stride=2))
            self.up.append(nn.ConvTranspose2d(wider, width, 2, stride=2))
            self.after.append(_blocks(blocks[scale], width, classes[scale]))
        self.middle = _blocks(blocks[-1], widths[-1], None)
        self.exit = nn.Conv2d(features, phases, 3, padding=1)

    def forward(self, noisy: Tensor, levels: Tensor, *maps: Tensor) -> Tensor:
        """Return the denoised images.

        Parameters
        ----------
        noisy : (B, channels, H, W) float tensor, gray levels / 255
        levels : (B, 1, 1, 1) float tensor
            Standard deviation of the noise, in the unit of the images.
        *maps : tensors
            As `inputs` names them: the filtered images, of the shape of `noisy`, and the class of
            every pixel, (B, H, W) integers.
        """
        given: dict[str, Tensor] = dict(zip(self.inputs[1:], maps, strict=True))
        height, width = noisy.shape[-2:]
        images = [extend(image, _STRIDE) for image in (noisy, *self._filtered(given))]
        own, *others = [functional.pixel_unshuffle(image, _PHASES) for image in images]
        level = levels.to(noisy.dtype).expand(-1, 1, *own.shape[-2:])
        seen = torch.cat([own, level, *others], 1).contiguous(memory_format=torch.channels_last)
        out = self.exit(self._features(self.entry(seen), self._class_maps(given, images[0])))
        return (images[0] + functional.pixel_shuffle(out, _PHASES))[..., :height, :width]

    def _features(self, features, maps):
        skips = []
        for blocks, down, classes in zip(self.before, self.down, maps, strict=True):
            features = _run(blocks, features, classes)
            skips.append(features)
            features = down(features)
        features = _run(self.middle, features, ())
        for scale in reversed(range(_SCALES - 1)):
            features = _sum(skips[scale], self.up[scale](features))
            features = _run(self.after[scale], features, maps[scale])
        return features

    def _filtered(self, given):
        return (given["filtered"],) if self.filtered else ()

    def _class_maps(self, given, image):
        """Return the further arguments of the blocks of each scale but the coarsest."""
        if self.num_classes is None:
            return [()] * (_SCALES - 1)
        rows, columns = (torch.arange(side, device=image.device) for side in image.shape[-2:])
        last = [side - 1 for side in given["classes"].shape[-2:]]
        maps = []
        for scale in range(_SCALES - 1):
            step = _PHASES * 2**scale
            row, column = (
                places[::step].clamp(max=end)
                for places, end in zip((rows, columns), last, strict=True)
            )
            maps.append((given["classes"][:, row[:, None], column],))
        return maps


class _Block(ResidualBlock):
    def __init__(self, features, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = second_convolution(features, features, num_classes)
        self.special = num_classes is not None

    def forward(self, features, classes):
        in_place = not torch.compiler.is_compiling()  # which a trace would take apart, slowly
        inner = functional.leaky_relu(self.conv1(features), _SLOPE, inplace=in_place)
        return _sum(features, self.conv2(inner, *(classes if self.special else ())))


def _sum(first, second):
    """Return the sum; without gradients it takes the place of the first, as memory costs time."""
    return first + second if torch.is_grad_enabled() else first.add_(second)


def _blocks(count, features, num_classes):
    return nn.ModuleList(_Block(features, num_classes) for _ in range(count))


def _run(blocks, features, classes):
    for block in blocks:
        features = block(features, classes)
    return features


def _reach(blocks):
    """Return how far an output pixel sees, by the longest path: down to the coarsest and up."""
    reach = 0
    for place in range(_STRIDE):
        low = high = place // _PHASES
        # Backwards: up from the output to the coarsest scale, then down to the input.
        grow = [1 + 2 * blocks[0], *(2 * count for count in blocks[1:])]
        for scale, more in enumerate(grow):
            low, high = (low // 2, high // 2) if scale else (low, high)
            low, high = low - more, high + more
        for more in reversed(grow[:-1]):
            low, high = 2 * low - more, 2 * high + 1 + more
        low, high = _PHASES * low, _PHASES * high + _PHASES - 1
        reach = max(reach, place - low, high - place)
    return reach
