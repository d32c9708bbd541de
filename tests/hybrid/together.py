"""Modules as commands, in processes forked from one that has imported torch: a second less each."""

import os
import runpy
import socket
import sys
import tempfile
from pathlib import Path

import torch

from tests import forkserver

_LONG = 300  # seconds; a machine may be busy


def run_all(commands, environments):
    """Run each command, a module and its arguments; return status, output and errors of each."""
    forkserver.start()
    with tempfile.TemporaryDirectory() as folder:
        started = []
        for number, (command, environment) in enumerate(zip(commands, environments, strict=True)):
            files = [Path(folder, f"{number}.{name}") for name in ("out", "err")]
            process = forkserver.FORKED.Process(
                target=_run, args=([*map(str, command)], environment, files), daemon=False
            )
            process.start()
            started.append((process, files))
        ended = []
        for process, files in started:
            process.join(_LONG)
            process.kill()
            ended.append((process.exitcode, *(file.read_text("utf-8") for file in files)))
        return ended


def _run(command, environment, files):
    for descriptor, file in zip((1, 2), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ.update(environment)
    torch.set_num_threads(1)  # like the tests, so that it computes the same
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


def of_one_machine(*commands):
    """Run commands as torchrun runs the processes of one machine, each with its rank."""
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
    common["WORLD_SIZE"] = str(len(commands))
    ranks = map(str, range(len(commands)))
    return run_all(commands, [{**common, "RANK": rank, "LOCAL_RANK": rank} for rank in ranks])


def by_torchrun(*commands):
    """Run commands by a torchrun for each, as on machines of their own."""
    common = ["--nnodes", len(commands), "--master-addr", "127.0.0.1", "--master-port"]
    common.append(_free_port())
    machines = [
        ["torch.distributed.run", *common, "--node-rank", rank, "-m", *command]
        for rank, command in enumerate(commands)
    ]
    return run_all(machines, [{"OMP_NUM_THREADS": "1"}] * len(commands))


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])
