"""The state of a training run, and the file that it goes on from."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hybrid.training.config import TrainingConfig
from hybrid.weights import copy_into, load_tensors, save_tensors

_MOMENTS = ("exp_avg", "exp_avg_sq")
_COUNTS = ("step", "steps_before", "seconds", "loss_sum", "scores")


class State:
    """Everything that the steps of a training run change.

    Parameters
    ----------
    network : nn.Module
        The network to train, on the device where that is done.
    steps_before : int
        Steps behind its weights.

    Attributes
    ----------
    network : nn.Module
    average : nn.Module
        Its twin with the moving average of the weights, in evaluation mode.
    optimizer : torch.optim.Adam
    step : int
        Steps done.
    steps_before : int
    seconds : float
        Time that they took.
    loss_sum : float or tensor
        Sum of the losses since the last line of the log; on a GPU, where it lies there.
    scores : dict
        Of the last validation.
    made_by : dict
        The code and the machine of the last step.
    """

    def __init__(self, network: nn.Module, steps_before: int = 0) -> None:
        self.network = network
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self._averages, self._values = _averaged(self.average), _averaged(network)
        parameters = list(network.parameters())
        device = parameters[0].device
        # Tensors, which a captured step reads anew each time.
        self._rate, self._pace = (torch.zeros((), device=device) for _ in range(2))
        self.optimizer = torch.optim.Adam(
            parameters, lr=self._rate, fused=True, capturable=device.type == "cuda"
        )
        for parameter in parameters:
            # Made here and not by the first step, so that a checkpoint can be copied into it.
            self.optimizer.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                **{name: torch.zeros_like(parameter) for name in _MOMENTS},
            }
        self.step, self.steps_before = 0, steps_before
        self.seconds = 0.0
        self.loss_sum: float | Tensor = 0.0
        self.scores: dict[str, float] = {}
        self.made_by: dict[str, Any] = {}

    def pace(self, rate: float, decay: float) -> None:
        """Set the learning rate of the next step, and how closely the average follows it.

        The average has a short memory in the first steps.
        """
        self._rate.fill_(rate)
        self._pace.fill_(max(1 - decay, 9 / (self.step + 10)))

    @torch.no_grad()
    def update_average(self) -> None:
        """Let the average follow the weights."""
        ways = torch._foreach_sub(self._values, self._averages)
        torch._foreach_mul_(ways, self._pace)
        torch._foreach_add_(self._averages, ways)

    def is_finite(self) -> bool:
        """Return whether no weight and no moment of the optimiser is NaN or infinite."""
        return all(bool(value.isfinite().all()) for value in self._tensors().values())

    def save(self, path: Path, config: TrainingConfig, setup: dict[str, Any]) -> None:
        """Write everything to a file, all or nothing; the setup is what a run has beside it."""
        self.loss_sum = float(self.loss_sum)
        counts = {name: getattr(self, name) for name in _COUNTS}
        header = {"run": config.to_dict(), **setup, **counts, "made_by": self.made_by}
        save_tensors(path, self._tensors(), header)

    def load(self, path: Path, config: TrainingConfig, setup: dict[str, Any]) -> None:
        """Take everything from a file.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            The file is damaged, is no checkpoint, or is one of another run.
        """
        tensors, header = load_tensors(path)
        if missing := {"run", *_COUNTS} - set(header):
            raise ValueError(f"{path} is no checkpoint: it lacks {', '.join(sorted(missing))}")
        try:
            run = TrainingConfig.from_dict(header["run"])
            told = {name: header[name] for name in setup if name in header}
            known = setup | {"processes": 1} | told  # files of before told less
            _check_same(run.to_dict() | known, config.to_dict() | setup)
            copy_into(self._tensors(), tensors)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        for name in _COUNTS:
            setattr(self, name, header[name])
        self.made_by = header.get("made_by", {})  # files of before do not tell

    def _tensors(self) -> dict[str, Tensor]:
        """Return the tensors themselves, not copies."""
        return {
            **{f"network.{name}": value for name, value in self.network.state_dict().items()},
            **{f"average.{name}": value for name, value in self.average.state_dict().items()},
            **{
                f"optimizer.{index}.{name}": value
                for index, parameter in enumerate(self.network.parameters())
                for name, value in self.optimizer.state[parameter].items()
            },
        }


def _averaged(network):
    buffers = (buffer for buffer in network.buffers() if buffer.is_floating_point())
    return [*network.parameters(), *buffers]


def _check_same(found, wanted):
    free = "checkpoint_seconds"
    if different := [key for key in wanted if key != free and found[key] != wanted[key]]:
        raise ValueError(
            f"it belongs to another run: {', '.join(different)} differ; "
            "name another folder, or remove it"
        )
