import threading

import numpy as np
import pytest

from comparisons.measure import evaluate as module
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.evaluate import Measure, denoising_measure, evaluate
from comparisons.measure.protocol import PROTOCOLS
from raisr.noise import Sample

STANDARD, PAPER = PROTOCOLS["standard"], PROTOCOLS["paper"]


class Counter:
    """A measure that counts its calls; on call number `fails_at` it raises `error`."""

    def __init__(self, fails_at=None, error=KeyboardInterrupt):
        self.calls, self.fails_at, self.error = 0, fails_at, error
        self.lock = threading.Lock()

    def __call__(self, sample):
        with self.lock:
            self.calls += 1
            if self.calls == self.fails_at:
                raise self.error
        return {"mean": float(sample.noisy.mean())}


def run(dataset, measures, tmp_path, protocol=STANDARD, sigma=25.0, **options):
    return evaluate(dataset, measures, protocol, sigma, cache_dir=tmp_path / "cache", **options)


def test_records_say_what_was_measured(tiny_dataset, tmp_path):
    records = run(tiny_dataset, [Measure("m", "1", Counter())], tmp_path, seeds=(0, 7))["m"]
    assert [(r["image"], r["seed"]) for r in records] == [
        ("gray.png", 0),
        ("colour.png", 0),
        ("gray.png", 7),
        ("colour.png", 7),
    ]
    assert (records[1]["height"], records[1]["width"]) == (48, 40)
    assert records[0]["sha256"] != records[1]["sha256"]
    assert records[0]["mean"] != records[2]["mean"], "another seed is another noise"


def test_all_measures_see_the_same_noise(tiny_dataset, tmp_path):
    records = run(tiny_dataset, [Measure(n, n, Counter()) for n in "ab"], tmp_path)
    assert records["a"] == records["b"]


def test_results_are_measured_once(tiny_dataset, tmp_path):
    counter = Counter()
    first = run(tiny_dataset, [Measure("m", "1", counter)], tmp_path)
    assert run(tiny_dataset, [Measure("m", "1", counter)], tmp_path) == first
    assert counter.calls == 2


@pytest.mark.parametrize(
    "change",
    [
        {"measures": [Measure("m", "2", None)]},
        {"measures": [Measure("n", "1", None)]},
        {"protocol": PAPER},
        {"sigma": 26.0},
        {"seeds": (1,)},
    ],
    ids=["fingerprint", "name", "protocol", "sigma", "seed"],
)
def test_whatever_may_change_a_result_measures_it_again(tiny_dataset, tmp_path, change):
    counter = Counter()
    run(tiny_dataset, [Measure("m", "1", counter)], tmp_path)
    changed = {"measures": [Measure("m", "1", counter)], **change}
    changed["measures"] = [Measure(m.name, m.fingerprint, counter) for m in changed["measures"]]
    run(tiny_dataset, tmp_path=tmp_path, **changed)
    assert counter.calls == 4


def test_another_machine_measures_again(tiny_dataset, tmp_path, monkeypatch):
    counter = Counter()
    run(tiny_dataset, [Measure("m", "1", counter)], tmp_path)
    monkeypatch.setattr(module, "environment", lambda: {"cpu": "another"})
    run(tiny_dataset, [Measure("m", "1", counter)], tmp_path)
    assert counter.calls == 4


def test_a_changed_image_is_measured_again(tiny_dataset, tmp_path):
    import imageio.v3 as iio

    counter = Counter()
    run(tiny_dataset, [Measure("m", "1", counter)], tmp_path)
    image = tiny_dataset.images[0]
    iio.imwrite(image.path, image.read()[::-1])
    run(tiny_dataset, [Measure("m", "1", counter)], tmp_path)
    assert counter.calls == 3


def test_an_interrupted_run_goes_on_where_it_stopped(tiny_dataset, tmp_path):
    seeds = (0, 1, 2)
    interrupted, resumed, whole = Counter(fails_at=4), Counter(), Counter()
    with pytest.raises(KeyboardInterrupt, match="goes on where it stopped"):
        run(tiny_dataset, [Measure("m", "1", interrupted)], tmp_path, seeds=seeds, jobs=1)
    records = run(tiny_dataset, [Measure("m", "1", resumed)], tmp_path, seeds=seeds, jobs=1)
    assert interrupted.calls - 1 + resumed.calls == 6
    fresh = run(tiny_dataset, [Measure("m", "1", whole)], tmp_path / "new", seeds=seeds)
    assert records == fresh


def test_an_error_in_a_method_is_raised(tiny_dataset, tmp_path):
    measure = Measure("m", "1", Counter(fails_at=1, error=RuntimeError("broken")))
    with pytest.raises(RuntimeError, match="broken"):
        run(tiny_dataset, [measure], tmp_path)


def test_the_number_of_jobs_changes_nothing(tiny_dataset, tmp_path):
    one, many = (
        run(tiny_dataset, [Measure("m", "1", Counter())], tmp_path / str(jobs), jobs=jobs)
        for jobs in (1, 4)
    )
    assert one == many


def test_a_damaged_cache_file_is_named(tiny_dataset, tmp_path):
    run(tiny_dataset, [Measure("m", "1", Counter())], tmp_path)
    for path in (tmp_path / "cache").iterdir():
        path.write_text("{")
    with pytest.raises(ValueError, match=r"cache/[0-9a-f]{64}\.json: wanted a JSON file"):
        run(tiny_dataset, [Measure("m", "1", Counter())], tmp_path)


def test_denoising_measure_scores_and_times(box_filter):
    image = np.random.default_rng(0).integers(0, 256, (80, 90), dtype=np.uint8)
    sample = STANDARD.prepare(image, 25, seed=0)
    values = denoising_measure("box", box_filter, STANDARD).run(sample)
    psnr, ssim = STANDARD.score(box_filter.run(sample), sample.clean)
    assert (values["psnr"], values["ssim"]) == (psnr, ssim)
    assert 0 < values["seconds_per_megapixel"] < 100


def test_denoising_measure_warms_up_once_on_a_crop():
    seen = []

    def denoise(sample, threads):
        seen.append(sample.noisy.shape)
        return sample.noisy

    measure = denoising_measure("seen", Denoiser(denoise, "seen"), STANDARD)
    plane = np.zeros((100, 120), np.float32)
    for _ in range(2):
        measure.run(Sample(plane + 1, plane, 255, 25, "gaussian"))
    assert seen == [(64, 64), (100, 120), (100, 120)]


def test_the_noisy_input_is_scored_as_it_is():
    image = np.zeros((200, 200), np.uint8)
    sample = STANDARD.prepare(image, 25, seed=0)
    noisy = Denoiser(lambda sample, threads: sample.noisy, "noisy", as_is=True)
    psnr = denoising_measure("noisy", noisy, STANDARD).run(sample)["psnr"]
    assert psnr == pytest.approx(20.17, abs=0.1)
