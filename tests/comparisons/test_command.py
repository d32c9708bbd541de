import argparse
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import comparisons
from comparisons import command
from comparisons.command import ListOf, at_least, one_of, table_parser
from raisr.command import run
from tests.cli.commands import buffered

COMMANDS = sorted(
    path.stem
    for path in Path(comparisons.__file__).parent.glob("*.py")
    if "run(main)" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_use_and_does_nothing_else(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        import_module(f"comparisons.{name}").main(["--help"])
    assert f"usage: python -m comparisons.{name} " in capsys.readouterr().out


@pytest.fixture
def parser():
    return table_parser("comparisons.x", "About.", protocols=["paper"], sigmas=[25])


def test_defaults(parser):
    options = command.parse(parser, [])
    assert (options.datasets, options.protocol, options.sigma) == (["sample"], ["paper"], [25.0])
    assert (options.seeds, options.from_results, options.download) == ([0], None, False)
    assert options.results == options.output / "results"


@pytest.mark.parametrize("words", [["bsd68,set12"], ["bsd68", "set12"], ["bsd68,", "set12,bsd68"]])
def test_lists_are_separated_by_commas_or_spaces(parser, words):
    assert parser.parse_args(["--datasets", *words]).datasets == ["bsd68", "set12"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--datasets", "bsd86"], "no 'bsd86'; choose from sample, sample_colour, bsd68"),
        (["--datasets", ","], "wanted one value or more"),
        (["--datasets", "bsd400"], "no 'bsd400'"),
        (["--protocol", "ours"], "no 'ours'; choose from standard, paper"),
        (["--sigma", "0"], "wanted a noise level above 0"),
        (["--sigma", "x"], "got 'x'"),
        (["--seeds", "-1"], "wanted a whole number from 0, got '-1'"),
        (["--jobs", "0"], "wanted a whole number from 1, got '0'"),
        (["--unknown"], "unrecognized arguments"),
    ],
)
def test_a_bad_option_is_one_line_and_status_2(parser, capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_:
        parser.parse_args(arguments)
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (FileNotFoundError("no data"), 2, "error: no data\n"),
        (ValueError("bad value"), 2, "error: bad value\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (KeyboardInterrupt("after step 3"), 130, "interrupted: after step 3\n"),
    ],
)
def test_an_expected_error_is_one_line(capsys, raised, status, message):
    def main():
        raise raised

    with pytest.raises(SystemExit) as exit_:
        run(main)
    assert exit_.value.code == status
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("words", [["adopt", "weights", "run"], ["publish", "weights"]])
def test_without_torch_a_command_ends_in_one_line(words):
    script = "import runpy, sys; sys.modules['torch'] = None; del sys.argv[0]; "
    script += "runpy.run_module(f'comparisons.{sys.argv[0]}', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "torch" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_fault_in_the_program_is_not_hidden():
    def main():
        raise AssertionError("a bug")

    with pytest.raises(AssertionError):
        run(main)


def test_a_folder_of_results_must_exist(parser, tmp_path):
    with pytest.raises(FileNotFoundError, match="--from-results: no folder"):
        command.parse(parser, ["--from-results", str(tmp_path / "none")])


def test_converters():
    assert one_of(["a", "b"])("a") == "a"
    assert at_least(0)("0") == 0
    with pytest.raises(argparse.ArgumentTypeError, match="wanted a whole number from 2, got '1.5'"):
        at_least(2)("1.5")


def test_list_keeps_each_value_once():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", action=ListOf, item=at_least(0))
    assert parser.parse_args(["--n", "3,1", "3"]).n == [3, 1]


def test_output_that_finds_no_room_is_one_error():
    program = "from raisr.command import run; run(lambda: print('a table'))"
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, env=buffered()
        )
    assert done.returncode == 2
    assert done.stderr == b"error: [Errno 28] No space left on device\n"
