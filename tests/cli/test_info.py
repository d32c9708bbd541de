"""`raisr info`: what a bank holds."""

import json
import sys
from pathlib import Path

import raisr
from raisr import FilterBank
from raisr.cli import main
from tests.cli.commands import fails
from tests.forked import Forked


def test_truncated_bank(bank, capsys):
    bank.write_bytes(bank.read_bytes()[:-1])
    fails(capsys, "is not a readable filter bank", "info", bank)


def test_info(bank, capsys):
    assert main(["info", str(bank)]) == 0
    text = capsys.readouterr().out
    assert "72 classes (orientation x strength x coherence: 8 x 3 x 3)" in text
    assert "72 filters of 3 x 3 on 1 plane(s): 9 multiplications a pixel" in text
    assert "strength_edges     0.06667, 0.1333\n" in text
    assert main(["info", "--json", str(bank)]) == 0
    assert json.loads(capsys.readouterr().out) == FilterBank.load(bank).info()


def test_reader_that_stops_early_is_no_error(bank):
    def info_after_input(arguments):
        sys.stdin.read()
        return main(arguments)

    with Forked(info_after_input, "info", bank) as process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_every_shipped_file_tells_what_it_was_learned_from(capsys):
    banks = sorted((Path(raisr.__file__).parent / "banks").glob("*.safetensors"))
    assert any("colour" in path.name for path in banks)
    for path in banks:
        assert main(["info", str(path)]) == 0
        assert "bsd400" in capsys.readouterr().out, path.name


def test_a_damaged_file_is_refused(tmp_path, capsys):
    source = Path(raisr.__file__).parent / "banks" / "best_colour_25.safetensors"
    (tmp_path / "cut.safetensors").write_bytes(source.read_bytes()[:500])
    assert main(["info", str(tmp_path / "cut.safetensors")]) == 2
    assert "cut.safetensors is not a readable filter bank" in capsys.readouterr().err
