"""denoise_dask: chunk by chunk, the bits of the whole; lazy, on threads and on processes."""

import dask
import dask.array
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st

from raisr import denoise, denoise_dask, denoise_stream
from raisr.models import MODELS
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from raisr.stabilisation import PhotonNoise
from tests.banks import CSCONV, random_bank
from tests.images import colour_scene, noisy_scene, random_bytes, scene

ODD = (7, 90, 1, 33, 19)  # 150


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def chunked(image, chunks=None):
    return dask.array.from_array(image, chunks=chunks or (ODD, 50, *image.shape[2:]))


def assert_same(image, *arguments, chunks=None, channel_axis=None, axes=None, **options):
    array = chunked(image, chunks)
    found = denoise_dask(array, *arguments, axes=axes, **options)
    assert (found.chunks, found.dtype) == (array.chunks, image.dtype)
    expected = denoise(image, *arguments, channel_axis=channel_axis, **options)
    np.testing.assert_array_equal(found.compute(), expected)
    assert not np.array_equal(expected, image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sigma", [0.1, None, 0.003])
def test_gray(model, dtype, sigma):
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = (noisy_scene((150, 131)).clip(0, 255) / 255 * white).astype(dtype)
    assert_same(image, sigma and sigma * white, model=model)


@pytest.mark.parametrize("sigma", [20, None, (10, 20, 30), (2, 2, 60)])
@pytest.mark.parametrize(("axis", "axes"), [(-1, "YXS"), (0, "SYX"), (1, "YSX")])
def test_colour(sigma, axis, axes):
    image = np.moveaxis(add_gaussian_noise(colour_scene(), 20, seed=0).clip(0, 255), -1, axis)
    chunks = [ODD, 50]
    chunks.insert(axis % 3, 2)  # samples are joined, and parted again
    options = {"chunks": tuple(chunks), "channel_axis": axis, "axes": axes}
    assert_same(image.astype(np.uint8), sigma, **options)


def test_noise_of_a_camera():
    image = add_camera_noise(colour_scene((397, 363)), 0.01, seed=0)
    options = {"noise": "mosaic", "channel_axis": -1, "axes": "YXS"}
    assert_same(image, chunks=(111, 97, 3), **options)


@pytest.mark.parametrize("noise", ["photon", PhotonNoise(4.0, 3.0)])
def test_noise_of_photons(noise):
    image = add_poisson_gaussian_noise(scene((260, 270)), 40, seed=0, data_range=255)
    assert_same(image, chunks=(99, 75), noise=noise, data_range=255)


@pytest.mark.parametrize("period", [1, 3, 8])
def test_banks_of_the_caller(period):
    spec = CSCONV.__class__(**{**CSCONV.to_dict(), "period": period})
    assert_same(random_bytes((150, 131)), model=random_bank(spec, spec))


def test_what_lies_far_from_white():
    assert_same(noisy_scene((150, 131)) - 5000.0, 20, data_range=255)


def test_three_equal_channels_are_one_gray_image():
    image = np.stack([noisy_scene((150, 131)).clip(0, 255).astype(np.uint8)] * 3, axis=-1)
    assert_same(image, channel_axis=-1, axes="YXS")
    image[140, 120, 1] ^= 1
    assert_same(image, channel_axis=-1, axes="YXS")


@given(
    height=st.integers(1, 130),
    width=st.integers(1, 130),
    sides=st.tuples(st.integers(1, 140), st.integers(1, 140)),
    model=st.sampled_from(MODELS),
)
@settings(max_examples=25)
def test_any_size_in_chunks_of_any_size(height, width, sides, model):
    image = random_bytes((height, width))
    array = dask.array.from_array(image, chunks=sides)
    found = denoise_dask(array, noise="white", model=model).compute()
    np.testing.assert_array_equal(found, denoise(image, noise="white", model=model))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_stacks_are_those_of_a_stream(dtype):
    planes = [noisy_scene((70, 61), 5 + 20 * (k // 3), k) for k in range(6)]
    image = np.reshape(planes, (2, 3, 70, 61)).clip(0, 255).astype(dtype)
    image[1, 2] += image.dtype.type(0 if dtype == np.uint8 else 9000)  # a pedestal of its own
    expected = np.empty_like(image)
    options = {"axes": "CZYX", "data_range": 255}
    denoise_stream(image, expected, **options)
    array = dask.array.from_array(image, chunks=(2, 2, 33, 40))
    found = denoise_dask(array, **options)
    assert found.chunks == array.chunks
    np.testing.assert_array_equal(found.compute(), expected)


def test_the_noise_is_found_once_and_the_work_is_done_later():
    image, read = noisy_scene((800, 131)).clip(0, 255).astype(np.uint8), []

    def source(block):
        read.append(block.shape)
        return block

    array = chunked(image, (100, 131)).map_blocks(source, meta=image[:0, :0])
    told = denoise_dask(array, 20)
    assert len(read) <= 1  # the channels of a part are counted
    read.clear()
    first = told[:5, :5].compute()
    assert 0 < len(read) < 5
    np.testing.assert_array_equal(first, denoise(image, 20)[:5, :5])
    found = denoise_dask(array)
    read.clear()
    found.compute()
    assert len(read) == 8  # each chunk, once


@pytest.mark.usefixtures("forked_workers")
def test_on_processes():
    image = noisy_scene((300, 210)).clip(0, 255).astype(np.uint8)
    expected = denoise(image, model="best")  # compiles, for all workers
    quiet = {"dashboard_address": ":0", "silence_logs": 50, "threads_per_worker": 1}
    with LocalCluster(n_workers=2, **quiet) as cluster, Client(cluster) as client:
        array = dask.array.from_array(image, chunks=(90, 77))
        found = client.compute(denoise_dask(array, model="best")).result()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # dask's own, of zarr
def test_from_zarr_to_zarr(tmp_path):
    image = noisy_scene((150, 131)).clip(0, 255).astype(np.uint8)
    zarr.create_array(tmp_path / "slide.zarr", data=image, chunks=(40, 50))
    denoise_dask(dask.array.from_zarr(tmp_path / "slide.zarr")).to_zarr(tmp_path / "clean.zarr")
    found = zarr.open_array(tmp_path / "clean.zarr", mode="r")
    assert found.chunks == (40, 50)
    np.testing.assert_array_equal(found[:], denoise(image))


def test_bad_input():
    image = noisy_scene((150, 131)).astype(np.float32) / 255
    with pytest.raises(TypeError, match="array must be a dask array, got ndarray"):
        denoise_dask(image, 0.1)
    with pytest.raises(ValueError, match="array has shape .* and nothing names its axes"):
        denoise_dask(dask.array.zeros((4, 5, 6)), 0.1)
    with pytest.raises(TypeError, match="must be uint8, .* got int16"):
        denoise_dask(dask.array.zeros((4, 5), dtype=np.int16), 1)
    some = dask.array.from_array(image, chunks=50)
    with pytest.raises(ValueError, match="the sizes of the chunks are not known"):
        denoise_dask(some[some[:, 0] > 0.5], 0.1)
    image[141, 99] = np.nan
    planes = dask.array.from_array(np.stack([np.zeros_like(image), image]), chunks=(1, 50, 50))
    later = denoise_dask(planes, 0.1, axes="ZYX")
    later[0].compute()
    with pytest.raises(ValueError, match=r"source is not finite at \(1, 141, 99\): nan"):
        later.compute()
