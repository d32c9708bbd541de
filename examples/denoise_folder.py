"""Denoise the images of a folder on a dask cluster: python examples/denoise_folder.py --help."""

import argparse
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from distributed import Client, LocalCluster, as_completed

from raisr.cli import main
from raisr.io import list_images


def denoise_file(source: Path, target: Path) -> None:
    """Do what `raisr denoise` does with a file, on a worker; large TIFF files go tile by tile."""
    said = io.StringIO()
    target.parent.mkdir(parents=True, exist_ok=True)
    with redirect_stdout(said), redirect_stderr(said):
        status = main(["denoise", "--threads", "1", str(source), str(target)])
    if status:
        raise RuntimeError(said.getvalue().strip())


def denoise_folder(source: Path, target: Path, client: Client) -> dict[str, str]:
    """Denoise the images of a folder that are not done yet; return what failed, and why."""
    names = [name for name in list_images(source) if not (target / name).exists()]
    tasks = {client.submit(denoise_file, source / n, target / n, pure=False): n for n in names}
    done = as_completed(tasks)
    return {str(tasks[task]): str(task.exception()) for task in done if task.status == "error"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("source", metavar="IN", type=Path, help="folder that all workers see")
    parser.add_argument("target", metavar="OUT", type=Path, help="another one")
    parser.add_argument("--scheduler", help="its address (default: the cores of this machine)")
    options = parser.parse_args()
    with Client(options.scheduler or LocalCluster(threads_per_worker=1)) as client:
        for name, error in denoise_folder(options.source, options.target, client).items():
            print(f"{name}: {error}")
