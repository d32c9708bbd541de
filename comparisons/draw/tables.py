"""One table, rendered to the terminal, Markdown, LaTeX and JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable

EMPTY = "-"  # a cell without a number
EMPTY_NOTE = f"{EMPTY}: not measured here, or not printed there."
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "†": r"\dag{}",
    "±": r"$\pm$",
    **{character: "\\" + character for character in "&%$#_{}"},
}


@dataclass(frozen=True)
class Section:
    """Rows of one origin, such as those measured here; each row starts with its label."""

    title: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Table:
    """A titled table of ready-made cells.

    Attributes
    ----------
    title : str
    columns : tuple of str
        Headings; the first one is that of the labels.
    sections : tuple of Section
        Printed one under the other, each under its own title.
    notes : tuple of str
        Sentences printed below.
    """

    title: str
    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for section in self.sections:
            for row in section.rows:
                if len(row) != len(self.columns):
                    raise ValueError(
                        f"wanted {len(self.columns)} cells in a row, got {len(row)}: {row}"
                    )

    def to_markdown(self) -> str:
        """Return the table as a Markdown section."""
        lines = [f"### {self.title}", "", _markdown_row(self.columns)]
        lines.append(_markdown_row(["---", *["---:"] * (len(self.columns) - 1)]))
        for section in self.sections:
            lines.append(_markdown_row([f"**{section.title}**", *[""] * (len(self.columns) - 1)]))
            lines += [_markdown_row(row) for row in section.rows]
        lines += ["", *[f"- {note}" for note in self.notes]]
        return "\n".join(lines).rstrip() + "\n"

    def to_latex(self) -> str:
        """Return the table as a LaTeX `table` environment; it needs the package booktabs."""
        width = len(self.columns)
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{_escape(self.title)}}}"]
        lines += [rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}", r"\toprule"]
        lines.append(_latex_row(self.columns))
        for section in self.sections:
            lines.append(r"\midrule")
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textit{{{_escape(section.title)}}}}} \\")
            lines += [_latex_row(row) for row in section.rows]
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\par\footnotesize {_escape(note)}" for note in self.notes]
        lines.append(r"\end{table}")
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain lists and strings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Table":
        """Inverse of `to_dict`; lists, as JSON has them, become tuples."""
        sections = [
            Section(section["title"], tuple(map(tuple, section["rows"])))
            for section in values["sections"]
        ]
        lists = {name: tuple(values[name]) for name in ("columns", "notes")}
        return cls(values["title"], sections=tuple(sections), **lists)

    def print(self) -> None:
        """Print the table on the terminal, never narrower than its cells."""
        table = RichTable(title=self.title, title_justify="left", header_style="bold")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left", no_wrap=True)
        blank = [""] * (len(self.columns) - 1)
        for section in self.sections:
            table.add_section()
            table.add_row(section.title, *blank, style="italic")
            for row in section.rows:
                table.add_row(*row)
        console = Console(highlight=False, markup=False)
        unbounded = console.options.update(max_width=10_000)
        console.width = max(console.width, Measurement.get(console, unbounded, table).maximum)
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}", soft_wrap=True)
        console.print()


def _markdown_row(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _latex_row(cells: tuple[str, ...]) -> str:
    return " & ".join(_escape(cell) for cell in cells) + r" \\"


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
