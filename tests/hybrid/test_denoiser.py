"""Arrays in, arrays out: types, colour, tiles, classes."""

import multiprocessing
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import raisr
from hybrid import denoiser as denoiser_module
from hybrid.behaviour import Behaviour
from hybrid.class_specific import ClassSpecificDenoiser
from hybrid.classes import quantize
from hybrid.classifiers import DenoisedClassifier, HashClassifier, PCNClassifier, hash_reach
from hybrid.denoiser import NetworkDenoiser
from hybrid.networks import build
from hybrid.tiles import run_in_tiles
from raisr import HashSpec, hash_image
from raisr.noise import add_gaussian_noise
from tests.images import scene

SPEC = HashSpec.preset("csconv")
IMAGE = scene((70, 93), 3)


@pytest.fixture
def plain():
    torch.manual_seed(0)
    return NetworkDenoiser(build("edsr", features=4, blocks=2), Behaviour(sigma=25.0))


@pytest.fixture(params=["hash", "denoised", "pcn"])
def class_specific(request):
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=1, num_classes=SPEC.num_classes)
    classifiers = {
        "hash": HashClassifier(SPEC),
        "denoised": DenoisedClassifier(SPEC),
        "pcn": _pcn_classifier(),
    }
    return ClassSpecificDenoiser(network, classifiers[request.param])


def _pcn_classifier():
    pcn = build("pcn")
    for parameter in pcn.parameters():
        parameter.data *= 2.5  # untrained, it would find one class everywhere
    return PCNClassifier(pcn, SPEC)


def test_an_array_gives_what_the_tensor_gives(plain):
    tensor = torch.from_numpy(IMAGE / np.float32(255))[None, None]
    wanted = plain(tensor).detach()[0, 0].numpy()
    np.testing.assert_allclose(plain.denoise(IMAGE / np.float32(255)), wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_every_dtype_comes_back(plain, dtype):
    white = 1.0 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    image = (IMAGE / 255 * white).astype(dtype)
    image.flags.writeable = False
    out = plain.denoise(image)
    wanted = plain.denoise(image.astype(np.float64) / white)
    assert (out.dtype, out.shape) == (image.dtype, image.shape)
    if image.dtype.kind == "u":
        wanted = np.clip(wanted, 0, 1)
    np.testing.assert_allclose(out / white, wanted, rtol=1e-3, atol=0.6 / 255)


def test_integers_are_rounded_and_clipped(plain):
    for parameter in plain.parameters():
        parameter.data.zero_()
    plain.network.exit.bias.data.fill_(0.6 / 255)
    assert plain.denoise(np.array([[0, 100, 255]], np.uint8)).tolist() == [[1, 101, 255]]


def test_floats_are_neither_clipped_nor_rescaled(plain):
    for parameter in plain.parameters():
        parameter.data.zero_()
    image = np.array([[-300.0, 900.0]])
    np.testing.assert_allclose(plain.denoise(image, data_range=255), image, rtol=1e-6)


def gray_planes(image):
    """The gray images that a network for one noise level sees of a colour image, as floats."""
    rows = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    lift = np.array([(1 - 3**0.5) / 2, 0.5, 0.5])
    return np.moveaxis(image @ rows.T + lift, -1, 0), rows, lift


def test_colours_are_denoised_plane_by_plane_in_the_opponent_space(class_specific):
    image = np.stack([IMAGE, IMAGE[::-1], IMAGE[:, ::-1]], -1) / 255
    planes, rows, lift = gray_planes(image)
    out = class_specific.denoise(image, 0.1, channel_axis=-1)
    done = [class_specific.denoise(plane, 0.1) for plane in planes]
    wanted = (np.stack(done, -1) - lift) @ rows
    assert np.isclose(out, wanted, atol=1e-5).mean() > 0.96  # a class may tip over by rounding
    classes = class_specific.classify(image, 0.1, channel_axis=-1)
    assert np.mean(classes == class_specific.classify(planes[0], 0.1)) > 0.99
    moved = class_specific.denoise(np.moveaxis(image, -1, 0), 0.1, channel_axis=0)
    np.testing.assert_array_equal(np.moveaxis(moved, 0, -1), out)


def test_other_numbers_of_channels_are_denoised_by_themselves(class_specific):
    image = np.stack([IMAGE, IMAGE[::-1]], -1)
    out = class_specific.denoise(image, 20, channel_axis=-1)
    for index in range(2):
        alone = class_specific.denoise(image[..., index].copy(), 20)
        np.testing.assert_array_equal(out[..., index], alone)


@pytest.mark.parametrize("tile", [8, 24, 64])
def test_tiles_make_no_difference(plain, class_specific, tile):
    image = np.float32(IMAGE / 255)
    for denoiser in (plain, class_specific):
        whole = denoiser.denoise(image, tile=1000)
        np.testing.assert_array_equal(denoiser.denoise(image, tile=tile), whole)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2)])
def test_tiny_images(plain, class_specific, shape):
    for denoiser in (plain, class_specific):
        assert denoiser.denoise(np.full(shape, 0.5)).shape == shape


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_make_no_difference(plain, class_specific, threads):
    one = [denoiser.denoise(IMAGE) for denoiser in (plain, class_specific)]
    torch.set_num_threads(threads)
    try:
        several = [denoiser.denoise(IMAGE) for denoiser in (plain, class_specific)]
    finally:
        torch.set_num_threads(1)
    np.testing.assert_array_equal(one, several)


def test_a_tile_sees_exactly_what_its_reach_says():
    """With a reach one too small the tiles differ from the whole: the test above can fail."""
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=2)
    assert network.reach == 6
    image = torch.rand(1, 1, 40, 40)
    with torch.no_grad():
        whole = network(image)
        torch.testing.assert_close(run_in_tiles(network, 6, 8, image), whole)
        assert not torch.allclose(run_in_tiles(network, 0, 8, image), whole, atol=1e-4)


def test_the_hash_is_that_of_raisr():
    classifier = HashClassifier(SPEC)
    image = np.float32(IMAGE / 255)
    found = classifier(torch.from_numpy(image)[None, None])
    np.testing.assert_array_equal(found[0], hash_image(image, SPEC))


@pytest.mark.parametrize("white", [1.0, 219 / 255])
def test_the_hash_of_the_denoised_image(white):
    image = np.float32(IMAGE / 255)
    found = DenoisedClassifier(SPEC, 0.1, white)(torch.from_numpy(image)[None, None])
    less_noise = raisr.denoise(image, 0.1, model="best", data_range=white)
    np.testing.assert_array_equal(found[0], hash_image(less_noise, SPEC))
    assert (found[0].numpy() != hash_image(image, SPEC)).mean() > 0.1


@pytest.mark.parametrize("white", [1.0, 219 / 255])
def test_noise_above_the_highest_level_is_taken_for_it(white):
    image = torch.from_numpy(np.float32(IMAGE / 255))[None, None]
    highest = DenoisedClassifier(SPEC, 75 / 255 * white, white)(image)
    assert torch.equal(DenoisedClassifier(SPEC, 0.4, white)(image), highest)
    strong = torch.from_numpy(add_gaussian_noise(IMAGE, 100, seed=0) / 255)[None, None]
    assert DenoisedClassifier(SPEC)(strong).shape == (1, *IMAGE.shape)


@pytest.mark.parametrize("denoised", [False, True])
@pytest.mark.parametrize("preset", ["csconv", "raisr", "blade"])
def test_the_reach_of_a_hash(preset, denoised):
    spec = HashSpec.preset(preset)
    classifier = DenoisedClassifier(spec, 0.1) if denoised else HashClassifier(spec)
    reach = hash_reach(spec, denoised=denoised)
    assert classifier.reach == reach
    image = np.random.default_rng(0).random((2 * reach + 40, 2 * reach + 30), np.float32)
    inner = image[9:-9, 8:-8]
    classes, of_inner = (
        classifier(torch.from_numpy(each.copy())[None, None])[0] for each in (image, inner)
    )
    kept = np.s_[reach:-reach, reach:-reach]
    assert torch.equal(of_inner[kept], classes[9:-9, 8:-8][kept])


def test_the_noise_level_of_a_hash_is_given_or_estimated():
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=1, num_classes=72)
    network.exit.weight.data *= 50
    noisy = add_gaussian_noise(IMAGE, 30, seed=0) / 255
    found = {}
    for level in (None, 0.02, 30 / 255):
        denoiser = ClassSpecificDenoiser(network, DenoisedClassifier(SPEC))
        fixed = ClassSpecificDenoiser(
            network, DenoisedClassifier(SPEC, level or raisr.estimate_sigma(noisy))
        )
        found[level] = denoiser.denoise(noisy, level)
        np.testing.assert_array_equal(found[level], fixed.denoise(noisy))
        np.testing.assert_array_equal(denoiser.denoise(noisy, level, tile=32), found[level])
        np.testing.assert_array_equal(denoiser.classify(noisy, level), fixed.classify(noisy))
    assert not np.array_equal(found[0.02], found[30 / 255])


@pytest.mark.parametrize(
    ("known", "image"),
    [({"classes": "clean"}, "the clean image"), ({"class_sigma": 25.0}, "another noisy version")],
)
def test_classes_of_another_image_need_it(class_specific, known, image):
    class_specific.behaviour = Behaviour(**known)
    with pytest.raises(ValueError, match=f"are those of {image}.*: pass it as guide"):
        class_specific.denoise(IMAGE)
    assert class_specific.denoise(IMAGE, guide=IMAGE).shape == IMAGE.shape


def test_a_network_with_foreign_classes_wants_its_guide(class_specific):
    class_specific.behaviour = Behaviour(classes="clean")
    images = torch.rand(1, 1, 20, 20)
    with pytest.raises(ValueError, match="classes of this network are those of the clean image"):
        class_specific(images)
    assert class_specific(images, images).shape == images.shape


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_sigma_0_gives_back_the_image(plain, class_specific, dtype):
    image = IMAGE.astype(dtype)
    for denoiser in (plain, class_specific):
        np.testing.assert_array_equal(denoiser.denoise(image, 0, data_range=255), image)


def test_a_guide_of_another_type_needs_a_white(class_specific):
    with pytest.raises(TypeError, match="guide is float64 where the image is uint8: pass data_ran"):
        class_specific.denoise(IMAGE, guide=IMAGE / 255)
    wanted = class_specific.denoise(IMAGE, guide=IMAGE)
    found = class_specific.denoise(IMAGE, guide=IMAGE.astype(np.float64), data_range=255)
    np.testing.assert_array_equal(found, wanted)


def test_how_far_an_image_lies_from_zero_does_not_matter(plain, class_specific):
    kelvin = IMAGE / 255 * 20
    for denoiser in (plain, class_specific):
        found = [
            denoiser.denoise(kelvin + pedestal, 2, data_range=20) - pedestal
            for pedestal in (290, 5000)
        ]
        np.testing.assert_allclose(*found, atol=1e-3)


def test_weights_are_prepared_once_and_again_when_they_change(plain, monkeypatch):
    prepared = []
    exact = denoiser_module.exact
    monkeypatch.setattr(
        denoiser_module, "exact", lambda m, layers: prepared.append(m) or exact(m, layers)
    )
    before = plain.denoise(IMAGE, 25)
    plain.denoise(IMAGE, 25)
    assert len(prepared) == 1
    plain.network.exit.bias.data += 0.1
    assert not np.array_equal(plain.denoise(IMAGE, 25), before)
    assert len(prepared) == 2


def test_several_threads_share_a_denoiser(plain, class_specific):
    for denoiser in (plain, class_specific):
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(lambda _, d=denoiser: d.denoise(IMAGE, 25), range(9)))
        for other in found[1:]:
            np.testing.assert_array_equal(other, found[0])


def test_a_forked_child_denoises(plain):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        wanted = plain.denoise(IMAGE, 25)
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = context.Process(target=lambda: results.put(plain.denoise(IMAGE, 25)))
            child.start()
        child.join(60)
        assert child.exitcode == 0
        np.testing.assert_array_equal(results.get(), wanted)
    finally:
        torch.set_num_threads(before)


def test_a_network_of_all_levels_takes_them_all(plain):
    plain.behaviour = Behaviour(sigma=75.0, sigma_min=0)
    for level in (0, 0.2, 75 / 255):
        plain.denoise(IMAGE / 255, level)
    with pytest.raises(ValueError, match="trained for sigma 0 to 75, got 100"):
        plain.denoise(IMAGE / 255, 100 / 255)


def test_classifiers_take_the_name_of_a_preset():
    assert HashClassifier("csconv").spec == PCNClassifier(build("pcn"), "csconv").spec == SPEC
    with pytest.raises(ValueError, match="no preset 'sobel'"):
        HashClassifier("sobel")


def test_classes_do_not_depend_on_autocast():
    torch.manual_seed(0)
    classifier, image = _pcn_classifier(), torch.rand(1, 1, 40, 40)
    wanted = classifier(image)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(classifier(image), wanted)
        half = quantize(classifier.pcn.statistics(classifier.pcn(image)), SPEC)
    assert not torch.equal(half, wanted)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_a_network_of_another_type_denoises_in_float32(plain, dtype):
    wanted = plain.denoise(IMAGE)
    found = plain.to(dtype).denoise(IMAGE)
    np.testing.assert_allclose(found, wanted.astype(float), atol=1)
    assert next(plain.parameters()).dtype == dtype


def test_a_guide_is_classified_in_place_of_the_image(class_specific):
    noisy = IMAGE + np.random.default_rng(0).normal(0, 25, IMAGE.shape)
    own = class_specific.denoise(noisy, data_range=255)
    guided = class_specific.denoise(noisy, guide=IMAGE.astype(float), data_range=255)
    classes = class_specific.classify(IMAGE)
    assert len(np.unique(classes)) > 2
    tensors = torch.from_numpy(np.float32(noisy / 255))[None, None], torch.from_numpy(classes)[None]
    with torch.no_grad():
        wanted = 255 * class_specific.network(*tensors)[0, 0].numpy()
    np.testing.assert_allclose(guided, wanted, atol=1e-3)
    assert not np.allclose(own, guided, atol=1e-3)


def test_the_mode_of_the_network_is_kept(plain):
    plain.train()
    plain.denoise(IMAGE)
    assert plain.training
    assert plain.network.training


def test_bad_input(plain, class_specific):
    with pytest.raises(ValueError, match="trained for sigma 25, got 60"):
        plain.denoise(IMAGE, 60)
    plain.denoise(IMAGE, 27)
    with pytest.raises(ValueError, match="takes no guide"):
        plain.denoise(IMAGE, guide=IMAGE)
    with pytest.raises(ValueError, match="guide and image must have the same shape"):
        class_specific.denoise(IMAGE, guide=IMAGE[1:])
    broken = IMAGE.astype(float)
    broken[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"image is not finite at \(1, 2\)"):
        plain.denoise(broken)
    with pytest.raises(ValueError, match="empty"):
        plain.denoise(np.zeros((0, 3)))
    with pytest.raises(TypeError, match="int64"):
        plain.denoise(IMAGE.astype(np.int64))
    for tile in (0, -8, 16.5, "all"):
        with pytest.raises(ValueError, match=f"tile must be a positive whole number, got {tile!r}"):
            plain.denoise(IMAGE, tile=tile)
        with pytest.raises(ValueError, match="tile must be a positive whole number"):
            class_specific.classify(IMAGE, tile=tile)
    with pytest.raises(ValueError, match="the network has 5 classes, its classifier 72"):
        ClassSpecificDenoiser(
            build("edsr", features=4, blocks=1, num_classes=5), HashClassifier(SPEC)
        )
