"""The benchmark of images larger than memory, on small ones."""

import json

import numpy as np
import zarr

from benchmarks.large import main, make_image


def test_the_image_has_noise_in_part(tmp_path):
    make_image(tmp_path / "a.zarr", 4200)
    image = zarr.open_array(tmp_path / "a.zarr", mode="r")
    assert image.nchunks_initialized == image.nchunks == 25
    assert np.std(image[:1024, :1024]) > 20
    assert np.ptp(image[4100:, :1024]) == 0


def test_peaks_and_times_of_fresh_processes(tmp_path, capsys):
    main(["--megapixels", "1", "--output", str(tmp_path), "--scratch", str(tmp_path)])
    assert "1000 x 1000" in capsys.readouterr().out
    raw = json.loads((tmp_path / "large_raw.json").read_text())
    (found,) = raw["results"]
    assert found["side"] == 1000
    assert 5e7 < found["peak"] < 1e9
    assert found["cpu_seconds"] > 0
    assert "met" in (tmp_path / "large.md").read_text()
    assert not list(tmp_path.glob("tmp*"))
