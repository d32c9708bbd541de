"""Calls of many kinds from many threads and processes: same bits, no deadlock, no growth.

`python -m tests.faults.mixed --threads 8 --calls 1000` makes so many calls in each thread while
another one learns; `--growth 1000` calls each function so often and looks at the memory.
"""

import argparse
import gc
import hashlib
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

import hybrid
import raisr
from tests.banks import CSCONV, random_bank
from tests.images import noisy_scene, scene
from tests.long_runs import add_result

__all__ = ["FUNCTIONS", "digest_of", "growth", "in_loader", "in_process", "side_by_side"]

_GRAY = noisy_scene((48, 64)).astype(np.float32)
_COLOUR = np.stack([_GRAY, _GRAY[::-1], _GRAY[:, ::-1]], axis=-1)
_BYTES = scene((48, 64))
_BANK = random_bank(CSCONV, CSCONV)
_USUAL = {"data_range": 255, "num_threads": 2}
_LONG = 1800  # seconds after which threads and processes are taken for locked


def _saved() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.safetensors"
        _BANK.save(path)
        return raisr.FilterBank.load(path).stages[1].filters


def _summed() -> Any:
    equations = raisr.NormalEquations("csconv", 1, 3)
    equations.add([_GRAY], _GRAY, raisr.hash_image(_GRAY, data_range=255), 2)
    return equations.solve()[0]


def _learned() -> Any:
    pair = _GRAY, _BYTES.astype(np.float32)
    bank = raisr.learn_filters([pair], "csconv", size=3, stages=2, **_USUAL)
    return bank.stages[1].filters


def _convolved() -> Any:
    x = torch.from_numpy(_GRAY[None, None]).expand(1, 8, 48, 64) / 255
    weight = torch.arange(2 * 8 * 8 * 9).reshape(2, 8, 8, 3, 3) / 1152
    return hybrid.cs_conv2d(x, weight, None, torch.from_numpy(_BYTES[None] % 2)).numpy()


def _estimated() -> Any:
    found = raisr.estimate_noise(_GRAY, data_range=255)
    return np.array([*found.plane_levels(), raisr.estimate_sigma(_GRAY)])


FUNCTIONS: dict[str, Callable[[], Any]] = {
    "fast": lambda: raisr.denoise(_GRAY, 25, **_USUAL),
    "best": lambda: raisr.denoise(_BYTES, model="best", **_USUAL),
    "colour": lambda: raisr.denoise(_COLOUR, 20, channel_axis=-1, **_USUAL),
    "photon": lambda: raisr.denoise(_GRAY, noise=raisr.PhotonNoise(2.0), **_USUAL),
    "far": lambda: raisr.denoise(_GRAY + 5000, 25, **_USUAL),
    "apply": lambda: _BANK.apply(_GRAY, _GRAY, **_USUAL),
    "hash": lambda: raisr.hash_image(_GRAY, **_USUAL),
    "statistics": lambda: np.stack(raisr.gradient_statistics(_GRAY, **_USUAL)),
    "estimate": _estimated,
    "quality": lambda: np.array(raisr.estimate_jpeg_quality(_BYTES) or 0),
    "deblock": lambda: raisr.deblock(_BYTES, 30, num_threads=2),
    "upscale": lambda: raisr.upscale(_BYTES, 2, num_threads=2),
    "noise": lambda: raisr.noise.add_gaussian_noise(_BYTES, 25, seed=0),
    "equations": _summed,
    "learn": _learned,
    "file": _saved,
    "network": lambda: hybrid.denoise(_BYTES, 25, model="small"),
    "convolution": _convolved,
    "weights": lambda: np.array(len(hybrid.list_weights())),
}


def digest_of(name: str) -> str:
    """Return a digest of the result of a function."""
    return hashlib.sha256(np.ascontiguousarray(FUNCTIONS[name]()).tobytes()).hexdigest()


def side_by_side(threads: int, calls: int, seed: int) -> dict[str, Any]:
    """Call functions in random order in threads while another one learns; all must repeat."""
    start, expected = time.monotonic(), {name: digest_of(name) for name in FUNCTIONS}
    wrong: list[str] = []
    stop = threading.Event()

    def work(number: int) -> None:
        rng = random.Random(seed * 1000 + number)
        for _ in range(calls):
            name = rng.choice(list(FUNCTIONS))
            try:
                if digest_of(name) != expected[name]:
                    wrong.append(f"{name} gives another result")
            except Exception as error:
                wrong.append(f"{name}: {error!r}")

    def learn() -> None:
        while not stop.is_set():
            _learned()

    learner = threading.Thread(target=learn, daemon=True)
    workers = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(threads)]
    for thread in (learner, *workers):
        thread.start()
    for thread in workers:
        thread.join(max(0, start + _LONG - time.monotonic()))
    stop.set()
    learner.join(60)
    assert not any(thread.is_alive() for thread in (learner, *workers)), "threads are locked"
    assert not wrong, wrong[:5]
    seconds = round(time.monotonic() - start)
    return {"threads": threads, "calls": threads * calls, "seed": seed, "seconds": seconds}


def in_process(method: str) -> dict[str, str]:
    """Return the digests of all functions in a process that was forked or spawned."""
    context = multiprocessing.get_context(method)
    with context.Pool(1) as pool:
        found = pool.map_async(digest_of, FUNCTIONS).get(_LONG)
    return dict(zip(FUNCTIONS, found, strict=True))


class _Digests(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return len(FUNCTIONS)

    def __getitem__(self, index: int) -> str:
        return digest_of(list(FUNCTIONS)[index])


def in_loader(workers: int) -> dict[str, str]:
    """Return the digests of all functions in the workers of a DataLoader."""
    loader = DataLoader(_Digests(), batch_size=None, num_workers=workers, timeout=_LONG)
    return dict(zip(FUNCTIONS, loader, strict=True))


def growth(name: str, calls: int) -> int:
    """Return by how many bytes the process grows over calls of a function, after as many first."""
    sizes = []
    gc.freeze()  # what was there before: to look through it takes longer than all the calls
    for _ in range(2):
        for _ in range(calls):
            FUNCTIONS[name]()
        gc.collect()
        sizes.append(_resident())
    gc.unfreeze()
    return sizes[1] - sizes[0]


def _resident() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def main(arguments: list[str] | None = None) -> None:
    """Call what the options say, and write a summary as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mixed", description=__doc__)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--calls", type=int, default=1000, help="in each thread")
    parser.add_argument("--growth", type=int, default=1000, help="calls of each function (0: none)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("output/faults"), metavar="DIR")
    options = parser.parse_args(arguments)
    if options.calls:
        result = side_by_side(options.threads, options.calls, options.seed)
        add_result(options.output / "mixed.json", "threads", result)
        print(result, flush=True)
    if options.growth:
        start = time.monotonic()
        grown = {name: growth(name, options.growth // 2) for name in FUNCTIONS}
        calls = options.growth // 2 * 2 * len(FUNCTIONS)
        seconds = round(time.monotonic() - start)
        result = {"calls": calls, "bytes_grown": grown, "seconds": seconds}
        add_result(options.output / "mixed.json", "growth", result)
        print(result)


if __name__ == "__main__":
    main()
