import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons.draw.tables import Section, Table

TABLE = Table(
    "Title, sigma 25",
    ("method", "A", "B"),
    (
        Section("ours", (("x_1", "1.0", "2.0±0.1"), ("y", "-", "not trained"))),
        Section("theirs", (("z", "3.0†", "4.0"),)),
    ),
    ("100 % of it.",),
)


def test_markdown():
    assert TABLE.to_markdown() == (
        "### Title, sigma 25\n\n"
        "| method | A | B |\n"
        "| --- | ---: | ---: |\n"
        "| **ours** |  |  |\n"
        "| x_1 | 1.0 | 2.0±0.1 |\n"
        "| y | - | not trained |\n"
        "| **theirs** |  |  |\n"
        "| z | 3.0† | 4.0 |\n\n"
        "- 100 % of it.\n"
    )


def test_latex():
    latex = TABLE.to_latex()
    assert r"x\_1 & 1.0 & 2.0$\pm$0.1 \\" in latex
    assert r"z & 3.0\dag{} & 4.0 \\" in latex
    assert r"\begin{tabular}{lrr}" in latex
    assert r"100 \% of it." in latex
    for environment in ("table", "tabular"):
        assert latex.count(rf"\begin{{{environment}}}") == 1
        assert latex.count(rf"\end{{{environment}}}") == 1


def test_terminal(capsys):
    TABLE.print()
    printed = capsys.readouterr().out
    for text in ("Title, sigma 25", "ours", "x_1", "2.0±0.1", "not trained", "100 % of it."):
        assert text in printed


def test_terminal_never_cuts_a_cell(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    wide = Table("T", ("method", *"ABCDEFGH"), (Section("s", (("m", *["12.34/0.567"] * 8),)),))
    wide.print()
    assert capsys.readouterr().out.count("12.34/0.567") == 8


@given(st.text(alphabet="ab12&%$#_{}~^\\", max_size=12))
def test_latex_escapes_every_special_character(text):
    latex = Table("t", ("a", "b"), (Section("s", ((text, "1"),)),)).to_latex()
    row = next(line for line in latex.splitlines() if line.endswith(r"& 1 \\"))
    cell = row.removesuffix(r" & 1 \\")
    known = r"\\textbackslash\{\}|\\textasciitilde\{\}|\\textasciicircum\{\}|\\[&%$#_{}]"
    assert not re.search(r"[&%$#_{}~^\\]", re.sub(known, "", cell))


@given(st.text(alphabet="ab|", max_size=12))
def test_markdown_keeps_the_number_of_cells(text):
    markdown = Table("t", ("a", "b"), (Section("s", ((text, "1"),)),)).to_markdown()
    row = markdown.splitlines()[5]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3


def test_dictionary_holds_every_cell():
    content = TABLE.to_dict()
    assert content["columns"] == ("method", "A", "B")
    assert content["sections"][1]["rows"] == (("z", "3.0†", "4.0"),)


def test_a_table_comes_back_from_json():
    assert Table.from_dict(json.loads(json.dumps(TABLE.to_dict()))) == TABLE


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"wanted 2 cells in a row, got 3: \('x', '1', '2'\)"):
        Table("t", ("a", "b"), (Section("s", (("x", "1", "2"),)),))
