"""What mixing by the census transform does to raisr.upscale: `python -m comparisons.census`.

RAISR (Romano et al., 2016, section V) mixes the filtered image with the interpolated one where
filters changed how neighbours compare.
"""

from functools import partial

import numpy as np

from comparisons import command
from comparisons.measure.enlarging import METHODS, PROTOCOL, Enlarger, measure
from comparisons.measure.store import COMMITTED
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.provenance import environment, git_commit, write_json
from raisr.upscaling import MODELS, upscale

RESULTS = COMMITTED / "census.json"
_TEST, _FACTORS = "set14", (2, 4)


def main(arguments: list[str] | None = None) -> None:
    """Measure, write the results and print them."""
    parser = Parser(prog="python -m comparisons.census", description=__doc__.split("\n\n")[0])
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    methods = {model: METHODS[model] for model in MODELS}
    methods |= {
        f"{model}_census": Enlarger(f"{model}, mixed", partial(upscale, model=model, census=True))
        for model in MODELS
    }
    dataset, found = load_dataset(_TEST, download=options.download), {}
    for factor in _FACTORS:
        scores = measure(dataset, factor, methods)
        found[str(factor)] = {
            name: round(float(np.mean(each["psnr"])), 3) for name, each in scores.items()
        }
        print(f"{_TEST} x{factor}: {found[str(factor)]}", flush=True)
    about = {"protocol": PROTOCOL, "test_set": _TEST, "git_commit": git_commit(), **environment()}
    write_json(RESULTS, {"metadata": about, "psnr": found})
    command.announce([RESULTS])


if __name__ == "__main__":
    run(main)
