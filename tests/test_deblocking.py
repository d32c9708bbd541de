"""deblock with the shipped filters: contracts, blocks anywhere, no harm, quality; and learning."""

import itertools

import numpy as np
import pytest
from skimage import data

from raisr import HashSpec, deblock, estimate_jpeg_quality
from raisr.colour_files import read_parts
from raisr.deblocking import FORMAT, PARTS, QUALITIES, deblocking_path, parts_for
from raisr.jpeg import compress, find_blocks, quality_of_table
from raisr.learning_deblocking import learn_deblocking
from raisr.metrics import psnr
from tests.images import scene

MODELS = ("fast", "best")
each_model = pytest.mark.parametrize("model", MODELS)
each_type = pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4", "f8"])
CAMERA, ASTRONAUT = data.camera()[120:344, 150:390], data.astronaut()[20:244, 100:340]


@each_model
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@each_type
def test_shape_dtype_and_input_stay(dtype, axis, model):
    white = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    image = scene((21, 30)) / 255 * white
    image = image if axis is None else np.stack([image, image / 2, white - image], axis)
    image = image.astype(dtype)
    before = image.copy()
    image.flags.writeable = False
    out = deblock(image, 20, model=model, channel_axis=axis)
    assert (out.dtype, out.shape) == (image.dtype, image.shape)
    np.testing.assert_array_equal(image, before)


@each_model
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3), (13, 18), (65, 64)])
def test_flat_areas_of_any_size_stay(shape, model):
    for quality in (1, 10, 55, 90):
        assert (deblock(np.full(shape, 201, np.uint8), quality, model=model) == 201).all()
    colour = np.tile(np.uint8([200, 30, 90]), (*shape, 1))
    out = deblock(colour, 10, model=model, channel_axis=-1)
    np.testing.assert_array_equal(out, colour)


@each_model
def test_types_agree(model):
    image = compress(CAMERA, 20)
    out = deblock(image, model=model).astype(float)
    short = deblock(image.astype(np.uint16) * 257, model=model) / 257
    real = deblock(image / 255.0, model=model) * 255
    far = deblock(image + 1e5, 20, model=model, data_range=255) - 1e5
    assert np.abs(short - real.clip(0, 255)).max() < 0.01
    assert np.abs(out - real.clip(0, 255)).max() <= 0.501
    assert np.quantile(np.abs(far - real), 0.99) < 0.1


@each_model
@pytest.mark.parametrize("axis", [None, -1])
def test_the_same_bits_for_any_threads_and_layout(axis, model):
    image = compress(CAMERA if axis is None else ASTRONAUT, 15)[3:, 5:]
    out = deblock(image, model=model, channel_axis=axis, num_threads=1)
    views = [np.asfortranarray(image), np.repeat(image, 2, 1)[:, ::2], image[::-1].copy()[::-1]]
    for view, threads in itertools.product(views, (1, 3)):
        other = deblock(view, model=model, channel_axis=axis, num_threads=threads)
        np.testing.assert_array_equal(other, out)


GAINS = {("fast", 10): 0.9, ("best", 10): 1.1, ("fast", 40): 0.8, ("best", 40): 1.0}


@pytest.mark.parametrize(("model", "quality"), GAINS)
def test_gains(model, quality):
    source = compress(CAMERA, quality)
    gain = psnr(deblock(source, model=model), CAMERA) - psnr(source, CAMERA)
    assert gain > GAINS[model, quality]


@each_model
@pytest.mark.parametrize("quality", [5, 15, 50, 70, 90])
def test_gains_beside_the_shipped_qualities(quality, model):
    source = compress(CAMERA, quality)
    assert psnr(deblock(source, model=model), CAMERA) > psnr(source, CAMERA) + 0.4


@each_model
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}])
@pytest.mark.parametrize("quality", [10, 40])
def test_colours_gain(quality, options, model):
    source = compress(ASTRONAUT, quality, **options)
    out = deblock(source, model=model, channel_axis=-1)
    assert psnr(out, ASTRONAUT) > psnr(source, ASTRONAUT) + 0.4
    # No cast of colour.
    assert np.abs((out.astype(float) - source).mean(axis=(0, 1))).max() < 0.3


def test_gray_as_colour_is_gray():
    image = compress(CAMERA, 10)
    out = deblock(np.stack([image] * 3, -1), channel_axis=-1)
    np.testing.assert_array_equal(out, np.stack([deblock(image)] * 3, -1))


@each_model
@pytest.mark.parametrize("corner", [(3, 0), (0, 5), (4, 7)])
def test_a_cropped_jpeg_is_cleaned_as_the_whole_one(corner, model):
    source = compress(CAMERA, 10)
    inside = tuple(slice(start, None) for start in corner)
    assert find_blocks(source[inside].astype(np.float32)) == tuple(-c % 8 for c in corner)
    whole, part = deblock(source, model=model), deblock(source[inside], model=model)
    away = np.s_[16:, 16:]
    np.testing.assert_array_equal(part[away], whole[inside][away])


@each_model
@pytest.mark.parametrize("view", [np.flipud, np.fliplr, np.transpose, np.rot90])
def test_turned_jpegs_give_turned_results(view, model):
    source = compress(CAMERA[:221, :235], 10)
    error = deblock(view(source), model=model).astype(float) - view(deblock(source, model=model))
    assert np.mean(np.abs(error[16:-16, 16:-16]) > 1) < 0.01


@pytest.mark.parametrize(
    "image",
    [CAMERA, CAMERA[::2, ::2], scene((200, 200)), np.zeros((64, 64), "u1"), np.eye(100)],
    ids=["photo", "halved", "drawing", "black", "line"],
)
def test_what_is_no_jpeg_comes_back(image):
    assert estimate_jpeg_quality(image) is None
    np.testing.assert_array_equal(deblock(image), image)
    np.testing.assert_array_equal(deblock(image, 100), image)


@pytest.mark.parametrize("quality", [5, 10, 25, 50, 75, 90])
def test_the_quality_is_seen(quality):
    assert estimate_jpeg_quality(compress(CAMERA, quality)) == quality
    colour = compress(ASTRONAUT, quality)[2:, 1:]
    assert estimate_jpeg_quality(colour / 255.0, channel_axis=-1) == quality


def test_the_quality_is_read_from_tables():
    import io

    from PIL import Image

    for quality in (1, 10, 33, 50, 75, 96, 100):
        buffer = io.BytesIO()
        Image.fromarray(CAMERA).save(buffer, "JPEG", quality=quality)
        assert quality_of_table(Image.open(buffer).quantization[0]) == quality


@pytest.mark.parametrize("quality", [0, -1, 101, 10.5, "10", True, np.nan])
def test_bad_qualities(quality):
    with pytest.raises(ValueError, match="quality must be a whole number from 1 to 100"):
        deblock(CAMERA, quality)


def test_bad_images_and_models():
    with pytest.raises(ValueError, match="model must be"):
        deblock(CAMERA, model="better")
    with pytest.raises(ValueError, match="channel_axis"):
        deblock(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="not finite"):
        deblock(np.full((4, 4), np.nan))
    with pytest.raises(TypeError, match="uint8"):
        deblock(np.zeros((4, 4), np.int32))
    with pytest.raises(ValueError, match="empty"):
        deblock(np.zeros((0, 4), np.uint8))


def test_the_shipped_files_are_small_and_flat_areas_pass():
    assert sum(deblocking_path(quality).stat().st_size for quality in QUALITIES) <= 1.2e6
    for quality in QUALITIES:
        parts, guides, facts = read_parts(deblocking_path(quality), FORMAT)
        assert (tuple(parts), set(guides), facts["quality"]) == (PARTS, {"luma"}, quality)
        for stage in itertools.chain(*parts.values()):
            assert not stage.bias.any()
            np.testing.assert_allclose(stage.filters.sum(axis=(1, 2, 3)), 1, atol=0.02)


def test_learning_does_not_depend_on_threads():
    images = [np.stack([scene((48, 64), seed)] * 3, -1) for seed in range(3)]
    for place, image in enumerate(images):
        image[..., place] //= 2
    spec = HashSpec(orientations=2, strength_edges=(0.02,), coherence_edges=(), period=8)
    plain = HashSpec(orientations=2, strength_edges=(0.02,), coherence_edges=())
    recipe = [(spec, 3), (plain, 3)], [plain, plain], 3
    found, other = (learn_deblocking(images, images, 10, *recipe, threads)[0] for threads in (1, 3))
    assert tuple(found) == PARTS
    for name in PARTS:
        for stage, same in zip(found[name], other[name], strict=True):
            np.testing.assert_array_equal(stage.filters, same.filters)
    assert [stage.spec.period for stage in found["luma"]] == [8, 1]


def test_parts_tend_to_nothing_at_quality_100():
    filters = [parts_for("fast", quality)[0]["luma"][0].filters for quality in (80, 90, 99)]
    centre = [stage[:, 0, 3, 3].mean() for stage in filters]
    assert centre[0] < centre[1] < centre[2] < 1
