"""The synthetic camera: each step by itself."""

import numpy as np
import pytest

from raisr.noise import add_camera_noise, add_poisson_gaussian_noise
from tests.images import random_bytes, scene

PLAIN = {"gamma": None, "demosaic": None, "quality": None}


def photograph(shape=(60, 70)):
    return np.dstack([scene(shape, seed) for seed in range(3)])


def test_with_every_step_left_out_the_image_stays():
    image = random_bytes((20, 30, 3))
    np.testing.assert_array_equal(add_camera_noise(image, 0, seed=0, **PLAIN), image)
    np.testing.assert_array_equal(
        add_camera_noise(image, 0, seed=0, demosaic=None, quality=None), image
    )


def test_noise_grows_with_the_light():
    for light in (40, 120, 200):
        image = np.full((200, 200, 3), light)
        noisy = add_camera_noise(image, 0.001, 0, read_noise=0.01, **PLAIN) / 255
        assert noisy.var() == pytest.approx(0.001 * light / 255 + 0.01**2, rel=0.05)


def test_what_is_amplified_has_more_noise():
    image = np.full((200, 200, 3), 120)
    noisy = add_camera_noise(image, 0.001, 0, white_balance=(2, 1, 1.5), **PLAIN) / 255
    expected = 0.001 * 120 / 255 * np.array([2, 1, 1.5])
    np.testing.assert_allclose(noisy.var(axis=(0, 1)), expected, rtol=0.05)
    np.testing.assert_allclose(noisy.mean(axis=(0, 1)), 120 / 255, rtol=0.01)


@pytest.mark.parametrize("demosaic", ["bilinear", "edge"])
def test_a_flat_picture_survives_the_mosaic(demosaic):
    image = np.broadcast_to([200, 100, 50], (21, 30, 3))
    out = add_camera_noise(image, 0, 0, demosaic=demosaic, quality=None)
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize("demosaic", ["bilinear", "edge"])
@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (3, 3), (7, 2)])
def test_any_size_from_2_by_2(shape, demosaic):
    assert add_camera_noise(photograph(shape), 0.01, 0, demosaic=demosaic).shape == (*shape, 3)


def test_bilinear_fills_in_the_mean_of_the_neighbours():
    image = random_bytes((9, 11, 3)).astype(np.float64)
    out = add_camera_noise(image, 0, 0, **PLAIN | {"demosaic": "bilinear"}).astype(float)
    y, x = 4, 4  # red was seen here
    assert out[y, x, 0] == image[y, x, 0]
    green = [image[y - 1, x, 1], image[y + 1, x, 1], image[y, x - 1, 1], image[y, x + 1, 1]]
    assert abs(out[y, x, 1] - np.mean(green)) <= 0.5
    blue = [image[y + i, x + j, 2] for i in (-1, 1) for j in (-1, 1)]
    assert abs(out[y, x, 2] - np.mean(blue)) <= 0.5


def test_edges_are_sharper_along_the_edge():
    image = np.repeat(np.where(np.arange(40) < 20, 40, 220)[None, :, None], 30, 0).repeat(3, 2)
    errors = {
        demosaic: np.abs(
            add_camera_noise(image, 0, 0, demosaic=demosaic, quality=None) - image.astype(float)
        ).mean()
        for demosaic in ("bilinear", "edge")
    }
    assert errors["edge"] < 0.5 * errors["bilinear"]


def test_smoothing_and_jpeg_leave_less_noise():
    image = np.full((64, 64, 3), 128)
    plain = add_camera_noise(image, 0.01, 0, quality=None).std()
    assert add_camera_noise(image, 0.01, 0, quality=None, smoothing=1).std() < 0.7 * plain
    assert add_camera_noise(image, 0.01, 0, quality=30).std() < 0.8 * plain


def test_below_nothing_smoothing_sharpens():
    image = photograph().astype(float)
    plain, sharp = (
        add_camera_noise(image, 0, 0, demosaic=None, quality=None, smoothing=share)
        for share in (0, -0.5)
    )
    assert np.abs(np.diff(sharp, axis=0)).mean() > 1.1 * np.abs(np.diff(plain, axis=0)).mean()


def test_a_colour_matrix_keeps_colours_and_makes_their_noise_stronger():
    matrix = [[1.7, -0.6, -0.1], [-0.2, 1.5, -0.3], [0, -0.6, 1.6]]
    image = np.broadcast_to([150, 120, 100], (200, 200, 3))
    options = PLAIN | {"white_balance": (2, 1, 1.5)}
    plain = add_camera_noise(image, 0.001, 0, **options).astype(float)
    vivid = add_camera_noise(image, 0.001, 0, **options, colour_matrix=matrix).astype(float)
    np.testing.assert_allclose(vivid.mean(axis=(0, 1)), image[0, 0], rtol=0.01)
    light = np.linalg.solve(matrix, image[0, 0] / 255) * [2, 1, 1.5]  # variance, times the gain
    expected = 255 * np.sqrt(0.001 * np.square(matrix) @ light)
    np.testing.assert_allclose(vivid.std(axis=(0, 1)), expected, rtol=0.03)
    assert (vivid[..., 0] - vivid[..., 1]).std() > 1.5 * (plain[..., 0] - plain[..., 1]).std()


def test_smooth_chroma_leaves_the_luma():
    image = photograph((64, 64))
    noisy, smooth = (
        add_camera_noise(image, 0.01, 0, quality=None, chroma_smoothing=sigma).astype(float)
        for sigma in (0, 2)
    )
    assert np.abs((noisy - smooth).mean(axis=2)).mean() < 1  # clipped and rounded
    across = [np.diff(one[..., 0] - one[..., 2], axis=1).std() for one in (noisy, smooth)]
    assert across[1] < 0.5 * across[0]


def test_contrast_is_an_s():
    image = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(2, axis=0)
    bent = add_camera_noise(image, 0, 0, quality=None, demosaic=None, contrast=1)
    x = image / 255
    np.testing.assert_allclose(bent, 255 * (3 * x**2 - 2 * x**3), atol=0.51)


def test_noise_reduction_takes_faint_details_and_leaves_edges():
    options = PLAIN | {"noise_reduction": 20}
    flat = np.full((100, 100, 3), 128)
    noisy, reduced = (
        add_camera_noise(flat, 0.003, 0, **one).astype(float) for one in (PLAIN, options)
    )
    assert reduced.std() < 0.5 * noisy.std()
    assert reduced.mean() == pytest.approx(noisy.mean(), abs=0.1)
    edge = flat.copy()
    edge[:, 50:] = 250
    across = np.abs(add_camera_noise(edge, 0, 0, **options).astype(float) - edge)
    assert across.max() <= 40
    assert across[:, :46].max() == across[:, 54:].max() == 0


@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (3, 4)])
def test_a_picture_of_few_pixels_can_lose_details(shape):
    assert add_camera_noise(photograph(shape), 0.01, 0, noise_reduction=5).shape == (*shape, 3)


def test_jpegs_keep_as_many_samples_of_chroma_as_told():
    image = random_bytes((64, 64, 3))
    errors = [
        np.abs(add_camera_noise(image, 0, 0, demosaic=None, subsampling=kept) - image.astype(float))
        for kept in ("4:4:4", "4:2:2", "4:2:0")
    ]
    assert errors[0].mean() < 0.5 * errors[1].mean() < 0.5 * errors[2].mean()


def test_the_seed_decides():
    first, again, other = (add_camera_noise(photograph(), 0.01, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((4, 4))}, r"shape \(H, W, 3\)"),
        ({"image": np.zeros((1, 4, 3))}, "sides of at least 2"),
        ({"gain": -1}, "gain must be finite and not negative"),
        ({"read_noise": np.nan}, "read_noise must be finite"),
        ({"white_balance": (1, 2)}, "white_balance must be three positive numbers"),
        ({"white_balance": (1, 0, 1)}, "white_balance must be three positive numbers"),
        ({"gamma": 0}, "gamma must be positive"),
        ({"demosaic": "nearest"}, "demosaic must be one of"),
        ({"smoothing": 2}, "smoothing must be from -1 to 1"),
        ({"chroma_smoothing": -1}, "chroma_smoothing must be finite and not negative"),
        ({"chroma_smoothing": np.inf}, "chroma_smoothing must be finite and not negative"),
        *(
            ({name: wrong}, f"{name} must be ")
            for name in ("gain", "read_noise", "contrast", "noise_reduction", "smoothing")
            for wrong in (np.ones(3), "1", 1j, True)
        ),
        ({"gamma": "2.2"}, "gamma must be positive"),
        ({"white_balance": "abc"}, "white_balance must be three positive numbers"),
        ({"white_balance": ("1", 1, 1)}, "white_balance must be three positive numbers"),
        ({"noise_reduction": np.nan}, "noise_reduction must be finite and not negative"),
        ({"contrast": 1.1}, "contrast must be from 0 to 1"),
        ({"colour_matrix": np.ones((3, 3))}, "colour_matrix must be 3 x 3 and have an inverse"),
        ({"colour_matrix": np.full((3, 3), np.nan)}, "colour_matrix must be 3 x 3 and have an"),
        ({"colour_matrix": np.eye(2)}, "colour_matrix must be 3 x 3 and have an inverse"),
        ({"subsampling": "4:1:1"}, "subsampling must be one of"),
    ],
)
def test_the_camera_refuses(change, message):
    arguments = {"image": np.zeros((4, 4, 3)), "gain": 0.01, "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        add_camera_noise(**arguments)


@pytest.mark.parametrize(("peak", "sigma"), [(30, 0), (5, 0.02), (1000, 0.1)])
def test_photons_are_counted(peak, sigma):
    image = np.full((300, 300), 0.4)
    noisy = add_poisson_gaussian_noise(image, peak, 0, sigma=sigma, data_range=1)
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(0.4, rel=0.01)
    assert noisy.var() == pytest.approx(0.4 / peak + sigma**2, rel=0.03)


def test_photons_come_without_further_noise_unless_told():
    noisy = add_poisson_gaussian_noise(np.full((20, 20), 100.0), 30, 0)
    np.testing.assert_allclose(noisy / 8.5, np.rint(noisy / 8.5), atol=1e-4)
    assert add_poisson_gaussian_noise([[1.0]], 0.5, 0, data_range=0.5) >= 0


def test_photons_are_not_negative():
    with pytest.raises(ValueError, match="image must not be negative, got -1"):
        add_poisson_gaussian_noise([[-1]], 30, 0)
    for wrong in ({"peak": 0}, {"peak": np.inf}, {"data_range": 0}, {"data_range": np.inf}):
        with pytest.raises(ValueError, match="peak and data_range must be positive"):
            add_poisson_gaussian_noise([[1]], **{"peak": 30, "seed": 0, **wrong})
