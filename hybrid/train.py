"""Train a network: `python -m hybrid.train CONFIG.toml`; run it again to go on."""

import os
from importlib.util import find_spec
from pathlib import Path

from raisr.command import Parser, run


def main(arguments: list[str] | None = None) -> None:
    """Train what a TOML file describes."""
    parser = Parser(prog="python -m hybrid.train", description=__doc__)
    parser.add_argument(
        "config", metavar="CONFIG.toml", help="see hybrid.training.config.TrainingConfig"
    )
    parser.add_argument(
        "--output", metavar="FOLDER", help="checkpoint, log and weights (default: runs/NAME)"
    )
    parser.add_argument("--device", help="of torch (default: a GPU where there is one)")
    parser.add_argument("--download", action="store_true", help="fetch missing training images")
    options = parser.parse_args(arguments)
    if find_spec("torch") is None:
        raise ValueError("training needs PyTorch: install the extra `hybrid` of this package")
    from hybrid.training.config import TrainingConfig
    from hybrid.training.loop import train

    config = TrainingConfig.read(options.config)
    folder = Path(options.output or Path("runs") / config.name)
    path = train(config, folder, device=options.device, download=options.download)
    if os.environ.get("RANK", "0") == "0":  # of the processes of torchrun, one
        print(f"wrote {path}")


if __name__ == "__main__":
    run(main)
