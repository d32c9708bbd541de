"""A page of tasks that pairs define: `python -m comparisons.gallery`.

Five banks are learned from bsd400, measured on photographs that nothing is learned from, and shown
on pictures that come with scikit-image. The results are written to comparisons/results, the page
and its pictures to docs.
"""

import inspect
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.draw.tables import Section, Table
from comparisons.measure.pairs import TASKS, Pair, Task
from raisr.command import Parser, run
from raisr.datasets import Dataset, dataset_label, load_dataset
from raisr.io import write_image
from raisr.metrics import psnr
from raisr.provenance import environment, git_commit, read_json, write_file, write_json

FILE = "gallery.json"
DOCS = Path(__file__).parents[1] / "docs"
PAGE = "gallery.md"

_TRAINING, _TEST = "bsd400", "cbsd68"
_EVERY = 4  # of the training images: enough, and quick
_LEARNED, _TESTED, _SHOWN = range(3)  # seeds begin with these
_GAP = 4

_PICTURES = {  # of scikit-image, and the part that is shown
    "motion": ("camera", np.s_[90:210, 150:310]),
    "jpeg": ("astronaut", np.s_[20:140, 150:310]),
    "mosaic": ("chelsea", np.s_[70:190, 130:290]),
    "grain": ("astronaut", np.s_[180:300, 40:200]),
    "upscaling": ("chelsea", np.s_[150:270, 180:340]),
}


def measure_task(task: Task, training: Sequence[NDArray], tests: Dataset) -> dict[str, Any]:
    """Learn a task, measure it, and show it; return the results and the picture as "picture"."""
    pairs = [task.make(image, (_LEARNED, index)) for index, image in enumerate(training)]
    task.learn(pairs[:2])  # compiles
    start = time.process_time()
    bank = task.learn(pairs)
    seconds = time.process_time() - start
    facts = {name: bank.metadata[name] for name in ("symmetric",) if name in bank.metadata}
    images = [image.read() for image in tests]
    return {
        "seconds": round(seconds, 1),
        "images": len(pairs),
        "pixels": sum(target.size for _, target, *_ in pairs),
        **facts,
        "as learned": _scores(task, bank, task.make, images),
        "otherwise": _scores(task, bank, task.change, images),
        "picture": picture(task, bank),
    }


def _scores(task, bank, make, images):
    """Return the mean PSNR in dB of what is plain and of what the filters make."""
    found = []
    for index, image in enumerate(images):
        pair = make(image, (_TESTED, index))
        found.append([psnr(out, pair[1]) for out in (task.plain(pair), task.apply(bank, pair))])
    before, after = np.mean(found, axis=0)
    return {"before": round(float(before), 2), "after": round(float(after), 2)}


def picture(task: Task, bank: Any) -> NDArray[np.uint8]:
    """Return a part of a picture, twice its size: before, after, and as it should be."""
    from skimage import data

    name, part = _PICTURES[task.name]
    image = getattr(data, name)()
    pair: Pair = task.make(image, (_SHOWN,))
    panels = [out[part] for out in (task.plain(pair), task.apply(bank, pair), pair[1])]
    gap = np.full((len(panels[0]), _GAP // 2), 255, np.uint8)
    row = np.hstack([panels[0], gap, panels[1], gap, panels[2]])
    return row.repeat(2, axis=0).repeat(2, axis=1)


def page(results: dict[str, Any]) -> str:
    """Return the page of stored results, Markdown."""
    about = results["metadata"]
    sections = [_section(task, results["tasks"][task.name]) for task in TASKS]
    rows = tuple(_row(task, results["tasks"][task.name]) for task in TASKS)
    table = Table(
        f"PSNR in dB on {dataset_label(about['test_set'])}",
        ("task", "before", "after", "otherwise: before", "after", "seconds"),
        (Section("measured", rows),),
        (
            f"Learned from {about['training_images']} photographs of {about['training_set']}, and "
            f"measured on {about['test_images']} others. Before: the input, green of means, or "
            "bicubic interpolation. Enlarging learns from seven of eight pairs.",
            "Otherwise: inputs were made in another way than those the filters learned from, as "
            "each section tells.",
            f"Seconds: CPU time of learning, of all threads together ({about['cpu']}), without "
            "compilation and reading of files.",
        ),
    )
    head = (
        "# Five tasks learned from pairs\n\n"
        "A task is a set of pairs: what the filters will see, and what they should give. Each of "
        "these was learned in less than a minute of CPU time, by the functions that are printed "
        "here; `python -m comparisons.gallery` learns them again, measures, and writes this page. "
        "Pictures: before, after, and as it should be, at twice their size.\n"
    )
    return "\n".join([head, "## Results\n", table.to_markdown(), *sections])


def _section(task, found):
    learned, other = found["as learned"], found["otherwise"]
    code = "\n\n\n".join(map(_source, (task.make, task.learn)))
    return (
        f"## {task.title}\n\n{task.about}\n\n```python\n{code}\n```\n\n"
        f"![{task.before}, the result, and the target](gallery/{task.name}.png)\n\n"
        f"On test images {task.before} has {learned['before']:.2f} dB, the result "
        f"{learned['after']:.2f}. **Limit:** {task.limit}, it is {other['before']:.2f} and "
        f"{other['after']:.2f} dB.\n"
    )


def _source(function):
    return inspect.getsource(function.func if isinstance(function, partial) else function).strip()


def _row(task, found):
    scores = [found[case][when] for case in ("as learned", "otherwise") for when in _WHEN]
    return task.title, *(f"{value:.2f}" for value in scores), f"{found['seconds']:.0f}"


_WHEN = ("before", "after")


def main(arguments: list[str] | None = None) -> None:
    """Learn, measure and show the tasks; write results, pictures and the page."""
    parser = Parser(prog="python -m comparisons.gallery", description=__doc__.split("\n\n")[0])
    command.add_choices_option(parser, "--task", [task.name for task in TASKS])
    command.add_every_option(parser, _EVERY)
    command.add_data_options(parser)
    command.add_results_option(parser)
    parser.add_argument(
        "--docs", type=Path, default=DOCS, metavar="DIR", help="where the page goes (default: docs)"
    )
    parser.add_argument(
        "--from-results", action="store_true", help="learn nothing: write the page of the results"
    )
    options = parser.parse_args(arguments)
    path = options.results / FILE
    results = read_json(path) or {"tasks": {}}
    if not options.from_results:
        _measure(options, results)
        write_json(path, results)
    write_file(options.docs / PAGE, page(results))
    command.announce([path, options.docs / PAGE])


def _measure(options, results):
    """Learn, measure and show the tasks of the options; the results are changed in place."""
    training = load_dataset(_TRAINING, download=options.download).images[:: options.every]
    tests = load_dataset(_TEST, download=options.download)
    images = [image.read() for image in training]
    pictures = options.docs / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    for task in TASKS:
        if task.name in options.task:
            found = measure_task(task, images, tests)
            write_image(pictures / f"{task.name}.png", found.pop("picture"))
            results["tasks"][task.name] = found
            print(f"{task.title}: {found}", flush=True)
    results["metadata"] = {
        "training_set": _TRAINING,
        "training_images": len(images),
        "test_set": _TEST,
        "test_images": len(tests),
        "git_commit": git_commit(),
        **environment(),
    }


if __name__ == "__main__":
    run(main)
