"""Cost of all networks, `python -m comparisons.flops`: FLOPs and parameters, beside the paper."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparisons import command
from comparisons.published import paper_kflops
from comparisons.tables import EMPTY, Section, Table

if TYPE_CHECKING:
    from hybrid.flops import Cost

_CLASSES = {"num_classes": 72}
_SUBTRACTED = "the paper prints the cost of the plain network less about that of PCN"
_FORGOTTEN = "the paper prints the cost of the plain network; here that of PCN is added"


@dataclass(frozen=True)
class Network:
    """A row: a network of `hybrid.models`, its options, and why its cost is not the paper's."""

    label: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def cost(self) -> "Cost":
        """Count it, and the PCN before it where it has classes."""
        from hybrid.flops import cost
        from hybrid.models import build

        own = cost(build(self.name, **self.options))
        return own + cost(build("pcn")) if "num_classes" in self.options else own


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
OTHERS = (
    Network("PCN", "pcn"),
    Network("KPN", "kpn"),
    Network("KPN+", "kpn_plus"),
    Network("KPN+, U-Net on the image", "kpn_plus", {"source": "image"}),
    Network("RAISR", "raisr"),
)


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
            Section("others", tuple(_row(network, costs) for network in OTHERS)),
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
        for network in (*TABLE1, *OTHERS)
    ]


def count(networks: Iterable[Network]) -> dict[str, "Cost"]:
    """Return the costs of some rows, by label."""
    return {network.label: network.cost() for network in networks}


def main(arguments: list[str] | None = None) -> None:
    """Count, print the table and write the files; or print JSON."""
    parser = command.Parser(
        prog="python -m comparisons.flops", description=__doc__.split(", `")[0] + "."
    )
    parser.add_argument("--json", action="store_true", help="print JSON, write nothing")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output"),
        metavar="DIR",
        help="where the table goes (default: output)",
    )
    options = parser.parse_args(arguments)
    costs = count((*TABLE1, *OTHERS))
    if options.json:
        print(json.dumps(records(costs), indent=1))
    else:
        command.announce(command.publish([build_table(costs)], options.output, "flops"))


def _row(network: Network, costs: Mapping[str, "Cost"]) -> tuple[str, ...]:
    cost, printed = costs[network.label], paper_kflops(network.label)
    paper, difference = EMPTY, EMPTY
    if printed is not None:
        paper, difference = f"{printed:.1f}", f"{100 * (cost.kflops / printed - 1):+.2f} %"
    return network.label, f"{cost.kflops:.2f}", paper, difference, f"{cost.parameters:,}"


if __name__ == "__main__":
    command.run(main)
