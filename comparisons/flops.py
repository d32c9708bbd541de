"""Cost of all networks, `python -m comparisons.flops`: FLOPs and parameters, beside the paper."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.filters import bank_kflops, bank_path
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.published import paper_kflops
from raisr.command import Parser, run

if TYPE_CHECKING:
    from hybrid.networks import Cost

_CLASSES = {"num_classes": 72}
_SUBTRACTED = "the paper prints the cost of the plain network less about that of PCN"
_FORGOTTEN = "the paper prints the cost of the plain network; here that of PCN is added"


@dataclass(frozen=True)
class Network:
    """A row: a network of `hybrid.networks`, its options, and why its cost is not the paper's."""

    label: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def cost(self) -> "Cost":
        """Count it, and the PCN before it where it has classes."""
        own = _cost_of(self.name, **self.options)
        return own + _cost_of("pcn") if "num_classes" in self.options else own


@dataclass(frozen=True)
class Filters:
    """A row: the filters of a bank that a table measures."""

    label: str
    row: str
    note: str = ""

    def cost(self) -> "Cost":
        """Count one filter and its constant for each class."""
        from hybrid.networks import Cost
        from raisr import FilterBank

        bank = FilterBank.load(bank_path(PROTOCOLS["standard"], 25, self.row))
        filters = (stage.filters.size + stage.bias.size for stage in bank.stages)
        return Cost(bank_kflops(bank), sum(filters))


@cache
def _cost_of(name: str, **options: Any) -> "Cost":
    """Count a network once: several tables show its cost."""
    from hybrid.networks import build

    return build(name, **options).cost()


TABLE1 = (
    Network("DnCNN", "dncnn"),
    Network("CARN16", "carn", note=_SUBTRACTED),
    Network("EDSR16", "edsr", note=_SUBTRACTED),
    Network("CARN64", "carn", {"features": 64, "groups": (4, 4)}),
    Network("EDSR64", "edsr", {"features": 64}),
    Network(
        "RED",
        "red",
        note="the paper's code has stride 2, as here; what the paper prints fits neither that nor "
        "full resolution",
    ),
    Network(
        "MemNet",
        "memnet",
        note="here the gates see the outputs of their own block, too, as in the original and in "
        "the paper's code; without them the cost is near the printed one",
    ),
    Network("FOCNet", "focnet", note="the paper leaves out the first and the last convolution"),
    Network(
        "SGN",
        "sgn",
        note="the sizes of the paper's code; no known sizes give what the paper prints",
    ),
    Network("CS-CARN", "carn", _CLASSES, note=_FORGOTTEN),
    Network("CS-EDSR", "edsr", _CLASSES, note=_FORGOTTEN),
)
OTHERS = (  # and every network of the registry that no row names
    Network("PCN", "pcn"),
    Network("KPN", "kpn"),
    Network("KPN+", "kpn_plus"),
    Network("KPN+, U-Net on the image", "kpn_plus", {"source": "image"}),
    Filters("RAISR", "raisr_n"),
)


def rows_of_others() -> tuple[Network | Filters, ...]:
    """Return the rows below table 1: those of the paper, and each network that has none there."""
    from hybrid.networks import CLASSIFIERS, NETWORKS

    named = {row.name for row in (*TABLE1, *OTHERS) if isinstance(row, Network)}
    known = NETWORKS | CLASSIFIERS
    return *OTHERS, *(Network(known[name].label, name) for name in known if name not in named)


def build_table(costs: Mapping[str, "Cost"]) -> Table:
    """Return the table of the costs of all rows, by label."""
    notes = [
        "FLOPs: 2 x multiply-accumulate in convolutions, per pixel of a gray image; hash, "
        "activations and normalisation are not counted.",
        "Rows with CS- include PCN, in FLOPs and in parameters.",
        *(f"{network.label}: {network.note}." for network in TABLE1 if network.note),
        "KPN: filters of 5x5, applied to the image at 2 x 25 FLOPs more. Neither KPN nor KPN+ has "
        "a printed cost.",
        "KPN+: a U-Net like PCN sees the features of each block, as in the public modules, or the "
        "image, once, as its text says.",
    ]
    return Table(
        "Cost of the networks",
        ("network", "kFLOPs/pixel", "the paper", "difference", "parameters"),
        (
            Section("table 1", tuple(_row(network, costs) for network in TABLE1)),
            Section("others", tuple(_row(network, costs) for network in rows_of_others())),
        ),
        tuple(notes),
    )


def records(costs: Mapping[str, "Cost"]) -> list[dict[str, Any]]:
    """Return the same, a JSON-able dict for each row."""
    return [
        {
            "network": network.label,
            "kflops_per_pixel": round(costs[network.label].kflops, 6),
            "paper_kflops_per_pixel": paper_kflops(network.label),
            "parameters": costs[network.label].parameters,
            "note": network.note,
        }
        for network in (*TABLE1, *rows_of_others())
    ]


def count(networks: Iterable[Network | Filters]) -> dict[str, "Cost"]:
    """Return the costs of some rows, by label."""
    return {network.label: network.cost() for network in networks}


def main(arguments: list[str] | None = None) -> None:
    """Count, print the table and write the files; or print JSON."""
    parser = Parser(prog="python -m comparisons.flops", description=__doc__.split(", `")[0] + ".")
    parser.add_argument("--json", action="store_true", help="print JSON, write nothing")
    command.add_output_option(parser, "the table goes")
    options = parser.parse_args(arguments)
    costs = count((*TABLE1, *rows_of_others()))
    if options.json:
        print(json.dumps(records(costs), indent=1))
    else:
        command.announce(command.publish([build_table(costs)], options.output, "flops"))


def _row(network: Network | Filters, costs: Mapping[str, "Cost"]) -> tuple[str, ...]:
    cost, printed = costs[network.label], paper_kflops(network.label)
    paper, difference = EMPTY, EMPTY
    if printed is not None:
        paper, difference = f"{printed:.1f}", f"{100 * (cost.kflops / printed - 1):+.2f} %"
    return network.label, f"{cost.kflops:.2f}", paper, difference, f"{cost.parameters:,}"


if __name__ == "__main__":
    run(main)
