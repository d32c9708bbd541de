"""Run measures over the images of a set: in parallel, cached image by image, resumable.

A measure is any function of a `Sample` that returns named numbers. Each image is one task on one
thread, and a measure works on that thread alone (`num_threads=1`), so that as many images are in
work as there are cores and the CPU time of the thread is the single-threaded cost. Every result
is written at once; after an interruption the same command goes on where it stopped.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from comparisons.measure import protocol as protocol_module
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.protocol import Protocol
from raisr import noise
from raisr.datasets import Dataset, ImageFile, pixel_digest
from raisr.noise import Sample, noise_seed
from raisr.provenance import (
    content_digest,
    environment,
    git_commit,
    read_json,
    write_json,
)

Record = dict[str, Any]
ABOUT_IMAGE = ("image", "sha256", "height", "width", "seed")
_WARM_UP_SIZE = 64


@dataclass(frozen=True)
class Measure:
    """A named function of a sample; `fingerprint` changes whenever its results may change."""

    name: str
    fingerprint: str
    run: Callable[[Sample], dict[str, float]]


def denoising_measure(name: str, denoiser: Denoiser, protocol: Protocol) -> Measure:
    """Return the measure of a denoiser: PSNR, SSIM and seconds per megapixel.

    The time is the CPU time of the calling thread, after one untimed call on a small crop that
    takes compilation and loading out of it.
    """
    lock = threading.Lock()
    warm = False

    def run(sample: Sample) -> dict[str, float]:
        nonlocal warm
        with lock:
            if not warm:
                denoiser.run(sample.crop(_WARM_UP_SIZE))
                warm = True
        start = time.thread_time()
        output = denoiser.run(sample)
        seconds = time.thread_time() - start
        psnr, ssim = protocol.score(output, sample.clean, as_is=denoiser.as_is)
        return {
            "psnr": psnr,
            "ssim": ssim,
            "seconds_per_megapixel": seconds / (_pixels(sample) / 1e6),
        }

    return Measure(name, denoiser.fingerprint, run)


def _pixels(sample: Sample) -> int:
    """Return the number of pixels, each of which may have several colours."""
    return sample.clean.size // (3 if sample.channel_axis else 1)


def evaluate(
    dataset: Dataset,
    measures: Sequence[Measure],
    protocol: Protocol,
    sigma: float,
    *,
    cache_dir: Path,
    seeds: Sequence[int] = (0,),
    jobs: int | None = None,
    progress: bool | None = None,
) -> dict[str, list[Record]]:
    """Run every measure on every image with every noise seed.

    Parameters
    ----------
    dataset, measures, protocol, sigma
        What to measure; `sigma` in gray levels of the protocol.
    cache_dir : Path
        Folder of the per-image results. A result is taken from there only if measure, protocol,
        noise, image, library versions and processor are the same.
    seeds : sequence of int
        Evaluation seeds; each is another noise for every image, the same for all measures.
    jobs : int, optional
        Images in work at once; default: the processors this process may use.
    progress : bool, optional
        Show a bar; default: only on a terminal.

    Returns
    -------
    dict
        Measure name -> one record per image and seed, in the order of the set: the image, its
        SHA-256 (of the pixels), height, width, seed, and the numbers of the measure.
    """
    tasks = [(image, seed) for seed in seeds for image in dataset]
    results: dict[int, list[Record]] = {}
    jobs = jobs or len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = {
            pool.submit(
                _measure_image, dataset.folder, image, seed, measures, protocol, sigma, cache_dir
            ): index
            for index, (image, seed) in enumerate(tasks)
        }
        try:
            for future in tqdm(
                as_completed(futures),
                total=len(tasks),
                desc=f"{dataset.name} {protocol.name} sigma {sigma:g}",
                unit="image",
                disable=None if progress is None else not progress,
            ):
                results[futures[future]] = future.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            raise KeyboardInterrupt("the same command goes on where it stopped") from None
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return {
        measure.name: [results[task][column] for task in range(len(tasks))]
        for column, measure in enumerate(measures)
    }


def _measure_image(
    folder: str,
    image: ImageFile,
    run: int,
    measures: Sequence[Measure],
    protocol: Protocol,
    sigma: float,
    cache_dir: Path,
) -> list[Record]:
    pixels = image.read()
    seed = noise_seed(folder, image.name, sigma, run)
    values = (image.name, pixel_digest(pixels), *pixels.shape[:2], run)
    about = dict(zip(ABOUT_IMAGE, values, strict=True))
    sample: Sample | None = None
    records = []
    for measure in measures:
        key = {
            "measure": measure.name,
            "fingerprint": measure.fingerprint,
            "protocol": protocol.name,
            "protocol_source": content_digest(
                Path(str(module.__file__)) for module in (protocol_module, noise)
            ),
            "sigma": sigma,
            "noise_seed": seed,
            "folder": folder,
            **about,
            **environment(),
        }
        path = cache_dir / f"{_digest(key)}.json"
        cached = read_json(path)
        if cached is None:
            sample = sample or protocol.prepare(pixels, sigma, seed)
            cached = {"key": key, "git_commit": git_commit(), "values": measure.run(sample)}
            write_json(path, cached)
        records.append({**about, **cached["values"]})
    return records


def _digest(key: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
