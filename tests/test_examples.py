"""What lies in `examples/` runs, without a screen, where the packages are that it is made for."""

import gc
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data

import raisr
from raisr.io import list_images, read_image, write_image
from raisr.metrics import psnr

EXAMPLES = Path(__file__).parents[1] / "examples"

# Other people's packages warn of one another.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def nothing_left():
    """Collect what the packages leave open while their warnings are not errors."""
    yield
    gc.collect()


@pytest.fixture
def load():
    return lambda name: runpy.run_path(str(EXAMPLES / name))


def test_napari_widget(load, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    napari = pytest.importorskip("napari", reason="the example needs napari")
    pytest.importorskip("qtpy", reason="napari draws with Qt")
    example = load("napari_widget.py")
    gray, picture = data.camera()[100:200, 100:220], data.astronaut()[:60, :80]
    other, wanted = gray[::-1], raisr.denoise(gray, 20.0)
    given = {
        "gray": (gray, wanted),
        "stack": (np.stack([[gray, other]]), np.stack([[wanted, raisr.denoise(other, 20.0)]])),
        "picture": (picture, raisr.denoise(picture, 20.0, channel_axis=-1)),
    }
    for name, (image, denoised) in given.items():
        layer = napari.layers.Image(image, name=name, rgb=name == "picture")
        made = napari.layers.Layer.create(*example["denoise_layer"](layer, sigma=20.0))
        assert (made.name, made.rgb) == (f"{name}, denoised", layer.rgb)
        np.testing.assert_array_equal(made.data, denoised)
    viewer = example["open_viewer"](show=False)  # layers need OpenGL, which no test has
    try:
        assert [*viewer.window.dock_widgets] == ["raisr"]
    finally:
        viewer.close()


def test_gradio_page(load):
    gradio = pytest.importorskip("gradio", reason="the example needs gradio")
    example = load("gradio_page.py")
    clean = data.astronaut()[:80, :100]
    noisy = raisr.noise.add_gaussian_noise(clean, 25, seed=0).round().clip(0, 255).astype(np.uint8)
    page = example["build_page"]()
    assert len(page.input_components) == 3
    for sigma in (0, 25):
        out = page.fn(noisy, sigma, "fast")
        assert out.dtype == np.uint8
        assert psnr(out, clean) > psnr(noisy, clean) + 4
    with pytest.raises(gradio.Error, match="Choose a picture first"):
        page.fn(None, 0, "fast")


@pytest.mark.usefixtures("compiled")
def test_folder_on_a_cluster(load, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the example needs distributed")
    noisy = data.camera()[100:200, 100:220]
    rgba = np.dstack([data.astronaut()[:60, :80], np.full((60, 80), 9, np.uint8)])
    (tmp_path / "in" / "sub").mkdir(parents=True)
    write_image(tmp_path / "in" / "a.png", noisy)
    write_image(tmp_path / "in" / "sub" / "b.tif", rgba)
    (tmp_path / "in" / "c.png").write_bytes(b"damaged")
    start = [sys.executable, str(EXAMPLES / "denoise_folder.py"), "in", "out"]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    environment["DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD"] = "forkserver"  # starts sooner
    quiet = {"capture_output": True, "text": True, "check": True}
    told = subprocess.run(start, cwd=tmp_path, env=environment, **quiet).stdout
    assert told.startswith("c.png: raisr: ")
    before = (tmp_path / "out" / "a.png").stat()
    with distributed.Client(processes=False, dashboard_address=":0") as client:
        again = load("denoise_folder.py")["denoise_folder"]
        told = again(tmp_path / "in", tmp_path / "out", client)
    assert list(told) == ["c.png"]
    assert told["c.png"].startswith("raisr: ")
    assert (tmp_path / "out" / "a.png").stat() == before  # what is there stays
    assert [str(name) for name in list_images(tmp_path / "out")] == ["a.png", "sub/b.tif"]
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png")[0], raisr.denoise(noisy))
    found, _ = read_image(tmp_path / "out" / "sub" / "b.tif")
    np.testing.assert_array_equal(found[..., 3], rgba[..., 3])


def test_notebook(tmp_path, monkeypatch):
    notebook = json.loads((EXAMPLES / "denoise.ipynb").read_text())
    assert not any(cell.get("outputs") for cell in notebook["cells"])  # committed without
    nbformat = pytest.importorskip("nbformat", reason="runs the notebook")
    nbclient = pytest.importorskip("nbclient", reason="runs the notebook")
    pytest.importorskip("ipykernel", reason="runs the notebook")
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    opened = nbformat.reads(json.dumps(notebook), as_version=4)
    nbformat.validate(opened)
    nbclient.NotebookClient(
        opened, timeout=300, resources={"metadata": {"path": tmp_path}}
    ).execute()
    pictures = [
        o for c in opened.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    assert len(pictures) == 3
