"""A process that trains together with others, and keeps its own copy of the weights."""

import sys
from pathlib import Path

from hybrid.train import main
from hybrid.training import loop as training
from hybrid.weights import save_tensors

if __name__ == "__main__":
    config, folder = sys.argv[1:]
    export = training._Run.export

    def keep_and_export(run):
        """Keep the weights beside those of the run."""
        path = Path(folder) / f"{run.process}.safetensors"
        save_tensors(path, run.state.average.state_dict(), {})
        return export(run)

    training._Run.export = keep_and_export
    main([config, "--output", folder, "--device", "cpu"])
