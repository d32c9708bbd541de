"""Training: steps, validation, checkpoints, and going on after any interruption."""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from hybrid.networks import build
from hybrid.precision import in_bfloat16
from hybrid.training.captured import captured
from hybrid.training.checkpoint import State
from hybrid.training.config import TrainingConfig
from hybrid.training.data import Batch, ahead
from hybrid.training.norms import measure_again
from hybrid.training.pool import Pool
from hybrid.training.processes import process_group, stop_requests
from hybrid.training.sharing import folded, share
from hybrid.training.tasks import task_of
from hybrid.weights import load_into, load_tensors, save_tensors, steps_in_all
from hybrid.zoo import locate
from raisr.files import write_atomically
from raisr.noise import NOISE_MODELS
from raisr.provenance import environment, git_commit
from raisr.validate import GRAY_LEVELS

_LOG_EVERY = 100
_NORM_BATCHES = 64  # that statistics of batch normalisation are measured on
_LONGEST_GRADIENT = 4  # times the usual length
_TINY = 1e-30


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

    Under `torchrun`, on one machine or more, all processes train one network; each draws its own
    crops. All need `folder`, to go on from the checkpoint that the first of them writes there.

    Parameters
    ----------
    config : TrainingConfig
        What to train.
    folder : path
        Where `checkpoint.safetensors`, `log.jsonl` (a line every 100 steps and every validation)
        and, in the end, `weights.safetensors` go. A checkpoint found there is continued: on a
        CPU the result is the same, bit for bit, as without the interruption.
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
        The loss or a weight is not finite; the last good checkpoint is kept.
    ValueError
        The checkpoint in the folder belongs to another run, or is damaged; the processes of
        `torchrun` see different ones; there is no such device.
    FileNotFoundError
        Training images or weights to start from are missing.
    OSError
        A file cannot be written; the last good checkpoint is kept.
    """
    device = _device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    with process_group(device) as (process, processes):
        run = _Run(config, Path(folder), device, process, processes, download)
        with stop_requests() as stop_requested:
            run.steps(stop_requested)
        return run.export()


class _Run:
    def __init__(
        self,
        config: TrainingConfig,
        folder: Path,
        device: torch.device,
        process: int,
        processes: int,
        download: bool,
    ) -> None:
        self.config, self.folder, self.device = config, folder, device
        self.process, self.processes = process, processes
        self.checkpoint, self.log = folder / "checkpoint.safetensors", folder / "log.jsonl"
        self.made_by = {  # now: the tree may change meanwhile
            "git_commit": git_commit(),
            "device_name": _device_name(device),
            "torch": torch.__version__,
            **environment(),
        }
        self.task = task_of(config, device)
        self.bfloat16 = in_bfloat16(config.precision, device)
        self.state = self._state()
        self.batch_of, self.samples, self.images = self.task.load(process, download=download)
        folder.mkdir(parents=True, exist_ok=True)
        if process == 0:
            _cut_log(self.log, self.state.step)

    def steps(self, stop_requested: Callable[[], bool]) -> None:
        """Take the steps that are left."""
        state, config = self.state, self.config
        network = state.network
        if self.processes > 1:
            self._check_start()
            network = DistributedDataParallel(network)
        started = time.monotonic() - state.seconds
        saved = time.monotonic()
        # Those behind the weights that this run starts from are counted: its crops are others.
        end = state.step if config.is_last(state.step, state.seconds) else config.steps
        left = range(state.steps_before + state.step, state.steps_before + end)
        with contextlib.closing(self._taken(network, left)) as losses, self._bar() as bar:
            for own_loss in losses:
                passed = time.monotonic() - started
                loss, stop, state.seconds = self._agree(own_loss, stop_requested(), passed)
                if isinstance(loss, float) and not math.isfinite(loss):
                    raise self._diverged(f"the loss of step {state.step + 1} is {loss}")
                state.step += 1
                state.made_by = self.made_by
                state.loss_sum += loss
                bar.update()
                self._report(bar)
                if stop:
                    self._save()
                    raise Interrupted(f"stopped after step {state.step}; the same call goes on")
                if config.is_last(state.step, state.seconds):
                    break
                if time.monotonic() - saved > config.checkpoint_seconds:
                    self._save()
                    saved = time.monotonic()
        self._save()

    def _taken(self, network: nn.Module, left: range) -> Generator[Tensor, None, None]:
        """Take a step whenever its loss is asked for."""
        if not self._captures:
            with contextlib.closing(ahead(self.batch_of, left)) as batches:
                for batch in batches:
                    self._pace()
                    yield self._step(network, batch.to(self.device))
            return
        config, first = self.config, left.start
        sizes = config.crop, config.batch, config.seed
        pool = Pool(self.batch_of, *sizes, self.process, self.device, first)

        def step(places):
            return self._step(network, pool.crops(places))

        with contextlib.closing(pool), captured(step, self.device) as take:
            for number in left:
                self._pace()
                yield take(pool.draw(number))

    def _check_start(self) -> None:
        """Refuse processes that go on from different checkpoints."""
        own = torch.tensor([self.state.step, -self.state.step], device=self.device)
        distributed.all_reduce(own, distributed.ReduceOp.MAX)
        last, first = own[0].item(), -own[1].item()
        if first != last:
            raise ValueError(
                f"processes begin at step {first} and at step {last}: all need the folder "
                f"{self.folder}, with the checkpoint that the first of them wrote"
            )

    @property
    def _captures(self) -> bool:
        return self.device.type == "cuda" and self.processes == 1

    def export(self) -> Path:
        """Write the averaged weights."""
        path = self.folder / "weights.safetensors"
        if self.process == 0:
            batches = (self.batch_of(step).to(self.device) for step in range(_NORM_BATCHES))
            measure_again(self.state.average, self.task, batches)
            save_tensors(path, folded(self.state.average), self._provenance())
        return path

    def _state(self) -> State:
        config = self.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = build(config.model, **config.options)
        goes_on = self.checkpoint.is_file()
        steps_before = 0 if goes_on or config.init is None else _start_from(config.init, network)
        if config.shared:
            share(network)
        state = State(network.to(self.device), steps_before)
        if goes_on:
            state.load(self.checkpoint, config, self._setup)
        return state

    @property
    def _setup(self) -> dict[str, Any]:
        """What decides a run beside its config."""
        return {
            "processes": self.processes,
            "classes_sha256": self.task.classes_sha256,
            "precision_used": "bfloat16" if self.bfloat16 else "float32",
            "device": self.device.type,
        }

    def _pace(self) -> None:
        config, state = self.config, self.state
        rate = config.rate(state.step, state.seconds)
        state.pace(config.learning_rate * rate, config.ema)

    def _step(self, network: nn.Module, batch: Batch) -> Tensor:
        state = self.state
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            loss = self.task.loss(network, batch)
        state.optimizer.zero_grad()
        loss.backward()
        _clip_gradient(state.optimizer)
        state.optimizer.step()
        state.update_average()
        return loss.detach()

    def _agree(
        self, loss: Tensor, stop: bool, seconds: float
    ) -> tuple[float | Tensor, bool, float]:
        """Return the mean loss of all processes, whether one is to stop, and their mean time.

        Where steps are captured, nobody waits for the loss.
        """
        if self.processes == 1:
            return loss if self._captures else loss.item(), stop, seconds
        own = loss.new_tensor([stop, seconds], dtype=torch.float64)
        shared = torch.cat([loss.double()[None], own])
        distributed.all_reduce(shared)
        total, stops, times = shared.tolist()
        return total / self.processes, stops > 0, times / self.processes

    def _report(self, bar):
        config, state = self.config, self.state
        intervals = _LOG_EVERY, config.validate_every
        last = config.is_last(state.step, state.seconds)
        validated = state.step % config.validate_every == 0 or last
        if not (validated or state.step % _LOG_EVERY == 0):
            return
        before = max((state.step - 1) // interval * interval for interval in intervals)
        loss = float(state.loss_sum) / (state.step - before)
        state.loss_sum = 0.0
        if not math.isfinite(loss):
            raise self._diverged(f"the loss of steps {before + 1} to {state.step} is {loss}")
        if self.process:
            return
        if validated:
            with torch.no_grad():
                state.scores = self.task.validate(state.average, self.samples)
        line = {
            "step": state.step,
            "loss": loss,
            "rate": config.learning_rate * config.rate(state.step - 1, state.seconds),
            "seconds": round(state.seconds, 1),
            **(state.scores if validated else {}),
        }
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        bar.set_postfix({"loss": loss, **state.scores})

    def _bar(self):
        return tqdm(
            total=self.config.steps,
            initial=self.state.step,
            desc=self.config.name,
            unit="step",
            disable=True if self.process else None,
        )

    def _save(self) -> None:
        if self.process:
            return
        if not self.state.is_finite():
            raise self._diverged(f"weights after step {self.state.step} are not finite")
        self.state.save(self.checkpoint, self.config, self._setup)

    def _diverged(self, what: str) -> FloatingPointError:
        if self.checkpoint.is_file():
            step = load_tensors(self.checkpoint)[1]["step"]
            kept = f"the last good checkpoint is {self.checkpoint}, step {step}"
        else:
            kept = "there is no checkpoint yet"
        return FloatingPointError(f"{what}; {kept}")

    def _provenance(self) -> dict[str, Any]:
        with torch.device("meta"):
            network = build(self.config.model, **self.config.options)
        return {
            **self.config.to_dict(),
            "spec": self.config.network_spec.to_dict(),
            **self._setup,
            "parameters": sum(value.numel() for value in network.parameters()),
            "steps": self.state.step,
            "total_steps": self.state.steps_before + self.state.step,
            "seconds": round(self.state.seconds),
            "scores": self.state.scores,
            "training_images": self.images,
            "white": NOISE_MODELS[self.config.noise].data_range / GRAY_LEVELS,
            **(self.state.made_by or self.made_by),
        }


def _start_from(weights: str, network: nn.Module) -> int:
    """Copy weights into a network, and return the steps that are behind them."""
    tensors, header = load_tensors(locate(weights))
    try:
        load_into(network, tensors)
    except ValueError as error:
        raise ValueError(f"init = {weights!r}: {error}") from error
    return steps_in_all(header)


def _device(name: str | torch.device) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"no device {name!r}: {error}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"no device {str(name)!r}: torch finds no GPU")
    return device


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _clip_gradient(optimizer: torch.optim.Adam) -> None:
    """Shorten a gradient that is much longer than the last thousand, as Adam remembers them.

    A network without normalisation may else leave, in a few steps, what it learned in thousands.
    """
    group = optimizer.param_groups[0]
    memories = [optimizer.state[parameter] for parameter in group["params"]]
    gradients = [parameter.grad for parameter in group["params"] if parameter.grad is not None]
    sums = torch._foreach_norm([memory["exp_avg_sq"] for memory in memories], 1)
    squares = torch.stack(sums).sum()
    usual = torch.sqrt(squares / (1 - group["betas"][1] ** memories[0]["step"]).clamp(min=_TINY))
    length = nn.utils.get_total_norm(gradients)
    longest = torch.where(usual > 0, _LONGEST_GRADIENT * usual, length)
    torch._foreach_mul_(gradients, (longest / length.clamp(min=_TINY)).clamp(max=1.0))


def _cut_log(path, step):
    """Forget what was logged after the checkpoint: those steps are taken again."""
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        write_atomically(path, "".join(whole).encode())
