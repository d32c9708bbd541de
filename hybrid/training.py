"""Training: steps, checkpoints, validation, and going on after any interruption."""

import contextlib
import copy
import json
import math
import os
import platform
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from comparisons.datasets import load_dataset
from comparisons.protocol import PROTOCOLS, Sample, noise_seed
from comparisons.provenance import environment, git_commit
from hybrid.config import TrainingConfig
from hybrid.data import Crops, ahead
from hybrid.models import build
from hybrid.tasks import task_of
from hybrid.weights import load_into, load_tensors, save_tensors
from hybrid.zoo import locate
from raisr._files import write_atomically

_LOG_EVERY = 100


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop; its checkpoint is written."""


def train(
    config: TrainingConfig,
    folder: str | os.PathLike[str],
    *,
    device: str | torch.device | None = None,
    download: bool = False,
) -> Path:
    """Train a network, or go on where an earlier call was stopped.

    Under `torchrun` all processes train one network; each draws its own crops.

    Parameters
    ----------
    config : TrainingConfig
        What to train.
    folder : path
        Where `checkpoint.safetensors`, `log.jsonl` (one line every 100 steps) and, in the end,
        `weights.safetensors` go. A checkpoint found there is continued: the result is the same,
        bit for bit, as without the interruption.
    device : str or torch.device, optional
        Default: a GPU where there is one.
    download : bool
        Fetch missing training images from their public addresses.

    Returns
    -------
    Path
        The file of weights.

    Raises
    ------
    Interrupted
        After Ctrl-C or SIGTERM; the checkpoint is written.
    FloatingPointError
        The loss is not finite; the last good checkpoint is kept.
    ValueError
        The checkpoint in the folder belongs to another run, or is damaged.
    FileNotFoundError
        Training images or weights to start from are missing.
    """
    with _process_group() as (process, processes):
        device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        run = _Run(config, Path(folder), device, process, processes, download)
        with _stop_requests() as requested:
            run.steps(requested)
        return run.export()


class _Run:
    def __init__(self, config, folder, device, process, processes, download):
        self.config, self.folder, self.device = config, folder, device
        self.process, self.processes = process, processes
        self.task = task_of(config, device)
        torch.manual_seed(config.seed)
        self.network = build(config.model, **config.options).to(device)
        if config.init is not None:
            load_into(self.network, load_tensors(locate(config.init))[0])
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        rate = config.learning_rate
        self.optimizer = torch.optim.Adam(self.network.parameters(), rate, fused=True)
        self.step, self.loss_sum, self.seconds = 0, 0.0, 0.0
        self.scores: dict[str, float] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()
        self.crops, self.samples = self._data(download)

    @property
    def checkpoint(self):
        return self.folder / "checkpoint.safetensors"

    def steps(self, stop_requested):
        config = self.config
        trained = self.network
        if self.processes > 1:
            trained = DistributedDataParallel(self.network)
        saved = started = time.monotonic()
        before = self.seconds
        remaining = range(self.step, config.steps)
        with contextlib.closing(ahead(self.crops, remaining)) as batches, self._bar() as bar:
            for batch in batches:
                loss = self._step(trained, batch.to(self.device))
                self.seconds = before + time.monotonic() - started
                if not math.isfinite(loss):
                    raise FloatingPointError(
                        f"the loss of step {self.step} is {loss}; {self._last_good()}"
                    )
                self.step += 1
                self.loss_sum += loss
                self._report(bar)
                if self._any(stop_requested()):
                    self._save()
                    raise Interrupted(
                        f"stopped at step {self.step}; run the command again to go on"
                    )
                if time.monotonic() - saved > config.checkpoint_seconds:
                    self._save()
                    saved = time.monotonic()
        self._save()

    def export(self):
        path = self.folder / "weights.safetensors"
        if self.process == 0:
            save_tensors(path, self.average.state_dict(), self._provenance())
        return path

    def _step(self, trained, batch):
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * config.rate(self.step)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=_bfloat16(config, self.device)
        ):
            loss = self.task.loss(trained, batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self._update_average()
        return loss.item()

    @torch.no_grad()
    def _update_average(self):
        # The average of few steps is that of a short time.
        weight = max(1 - self.config.ema, 9 / (self.step + 10))
        for average, value in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if value.is_floating_point() and self.config.ema:
                average.lerp_(value, weight)
            else:
                average.copy_(value)

    def _report(self, bar):
        config = self.config
        validated = self.step % config.validate_every == 0 or self.step == config.steps
        if validated and self.process == 0:
            self.average.eval()
            with torch.no_grad():
                self.scores = self.task.validate(self.average, self.samples)
        if (validated or self.step % _LOG_EVERY == 0) and self.process == 0:
            self._log(validated)
        bar.update()
        if self.step % _LOG_EVERY == 0:
            self.loss_sum = 0.0

    def _log(self, validated):
        line = {
            "step": self.step,
            "loss": self.loss_sum / ((self.step - 1) % _LOG_EVERY + 1),
            "rate": self.config.learning_rate * self.config.rate(self.step - 1),
            "seconds": round(self.seconds, 1),
            **(self.scores if validated else {}),
        }
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _bar(self):
        return tqdm(
            total=self.config.steps,
            initial=self.step,
            desc=self.config.name,
            unit="step",
            disable=None if self.process == 0 else True,
        )

    def _data(self, download):
        config = self.config
        protocol = PROTOCOLS[config.protocol]
        sets = [load_dataset(name, download=download) for name in config.images]
        first = sets[0].images
        if len(first) <= config.held_back:
            raise ValueError(f"held_back must be below {len(first)}, got {config.held_back}")
        kept = first[:: len(first) // config.held_back][: config.held_back]
        used = [image for dataset in sets for image in dataset if image not in kept]
        crops = Crops(
            [image.read() for image in used],
            protocol,
            config.sigma,
            config.crop,
            config.batch,
            config.seed,
            self.process,
            config.network_spec,
            self.task.statistics,
            self.task.guide,
        )
        samples: list[Sample] = [
            protocol.prepare(
                image.read(), config.sigma, noise_seed(sets[0].folder, image.name, config.sigma)
            )
            for image in kept
        ]
        return crops, samples

    def _save(self):
        if self.process:
            return
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        save_tensors(
            self.checkpoint,
            tensors,
            {
                "run": self.config.to_dict(),
                "step": self.step,
                "loss_sum": self.loss_sum,
                "seconds": self.seconds,
                "scores": self.scores,
            },
        )

    def _resume(self):
        if not self.checkpoint.is_file():
            (self.folder / "log.jsonl").unlink(missing_ok=True)
            return
        tensors, header = load_tensors(self.checkpoint)
        _check_same(header.get("run", {}), self.config.to_dict(), self.checkpoint)
        parts: dict[str, dict[str, Any]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, value in tensors.items():
            part, rest = name.split(".", 1)
            parts[part][rest] = value
        load_into(self.network, parts["network"])
        load_into(self.average, parts["average"])
        states: dict[int, dict[str, Any]] = {}
        for name, value in parts["optimizer"].items():
            index, rest = name.split(".", 1)
            states.setdefault(int(index), {})[rest] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": states, "param_groups": groups})
        self.step, self.loss_sum = header["step"], header["loss_sum"]
        self.seconds, self.scores = header["seconds"], header["scores"]
        if self.process == 0:
            _cut_log(self.folder / "log.jsonl", self.step)

    def _last_good(self):
        if not self.checkpoint.is_file():
            return "there is no checkpoint yet"
        step = load_tensors(self.checkpoint)[1]["step"]
        return f"the last good checkpoint is {self.checkpoint}, step {step}"

    def _any(self, flag):
        if self.processes == 1:
            return flag
        flags = torch.tensor(float(flag), device=self.device)
        distributed.all_reduce(flags)
        return bool(flags)

    def _provenance(self):
        return {
            **self.config.to_dict(),
            "spec": self.config.network_spec.to_dict(),
            "parameters": sum(value.numel() for value in self.network.parameters()),
            "processes": self.processes,
            "seconds": round(self.seconds),
            "scores": self.scores,
            "training_images": len(self.crops.images),
            "git_commit": git_commit(),
            "torch": torch.__version__,
            "system": platform.platform(terse=True),
            **environment(),
        }


def _bfloat16(config, device):
    if config.precision != "auto":
        return config.precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported()


def _check_same(found, wanted, path):
    different = [key for key in wanted if found.get(key) != wanted[key]]
    if different:
        raise ValueError(
            f"{path} belongs to another run: {', '.join(different)} differ; "
            "name another folder, or remove it"
        )


def _cut_log(path, step):
    """Forget what was logged after the checkpoint: those steps are taken again."""
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        write_atomically(path, "".join(whole).encode())


@contextlib.contextmanager
def _process_group() -> Iterator[tuple[int, int]]:
    """Join the processes that torchrun started; yield this one's rank and their number."""
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if processes == 1:
        yield 0, 1
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield distributed.get_rank(), processes
    finally:
        distributed.destroy_process_group()


@contextlib.contextmanager
def _stop_requests():
    """Turn Ctrl-C and SIGTERM into a flag, so that a step is never left half done."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stopped.set()) for number in signals]
    try:
        yield stopped.is_set
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
