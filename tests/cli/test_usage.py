"""What all commands share: usage, help, and the messages of bad folders and banks."""

import subprocess
import sys

import pytest

import raisr
from raisr.cli import build_parser, main
from tests.cli.commands import fails


@pytest.mark.parametrize("command", ["denoise", "hash", "learn", "folder"])
def test_read_only_folder(tmp_path, photos, capsys, monkeypatch, command):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write in any folder
    locked = tmp_path / "locked"
    locked.mkdir()
    arguments = {
        "denoise": ["denoise", photos / "a.png", locked / "a.png"],
        "folder": ["denoise", photos, locked],
        "hash": ["hash", photos / "a.png", locked / "a.png"],
        "learn": ["learn", "--clean", photos, "--sigma", "9", "-o", locked / "a.safetensors"],
    }[command]
    fails(capsys, "locked: no permission to write in this folder", *arguments)
    assert not any(locked.iterdir())


def test_unknown_bank(tmp_path, photos, capsys):
    arguments = ["--model", "bset", photos / "a.png", tmp_path / "out.png"]
    fails(
        capsys,
        "bset: not one of fast, best, base, finest, small, nor the file of a bank",
        "denoise",
        *arguments,
    )
    missing = tmp_path / "mine.safetensors"
    arguments = ["--model", missing, photos / "a.png", tmp_path / "out.png"]
    fails(capsys, f"{missing}: no such file", "denoise", *arguments)
    folder = ["--model", photos, photos / "a.png", tmp_path / "out.png"]
    fails(capsys, f"{photos}: a folder, not the file of a bank", "denoise", *folder)
    dotted = ["--model", "v1.5", photos / "a.png", tmp_path / "out.png"]
    fails(capsys, "v1.5: not one of fast, best, base, finest, small", "denoise", *dotted)
    fails(capsys, "no filter bank at bset", "info", "bset")
    arguments = [
        "--sigma",
        "25",
        "--model",
        "my.safetensors",
        photos / "a.png",
        tmp_path / "out.png",
    ]
    fails(capsys, "--sigma has no effect on the bank my.safetensors", "denoise", *arguments)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x10" + b"\0" * 7 + b"{" * 16])
def test_corrupt_bank(tmp_path, photos, capsys, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    message = "bad.safetensors is not a readable filter bank"
    fails(capsys, message, "denoise", "--model", path, photos / "a.png", tmp_path / "out.png")
    fails(capsys, message, "info", path)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "--sigma", "-3", "a", "b"], "expected a level such as 25 or 10%"),
        (["denoise", "--sigma", "nan", "a", "b"], "expected a level such as 25 or 10%"),
        (["denoise", "--sigma", "5,,5", "a", "b"], "expected a level such as 25 or 10%"),
        (["learn", "--sigma", "5,5", "--clean", "a", "-o", "b"], "expected one level, as luma"),
        (["denoise", "--threads", "0", "a", "b"], "expected a whole number from 1, got '0'"),
        (["denoise", "--white", "0", "a", "b"], "--white: expected a number above 0, got '0'"),
        (["sharpen", "--white", "nan", "a", "b"], "--white: expected a number above 0, got 'nan'"),
        (["denoise", "a"], "the following arguments are required: OUT"),
        (["colour"], "invalid choice: 'colour'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [None, "denoise", "upscale", "deblock", "sharpen", "learn", "export", "hash", "info"],
)
def test_help_teaches_by_examples_that_parse(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"] if command else ["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    examples = text.split("examples:\n")[1].split("\n\n")[0].splitlines()
    assert examples
    for example in examples:
        piped = example.strip().split("   ")[0].split(" | ")
        ours = [command.split()[1:] for command in piped if command.startswith("raisr ")]
        assert ours
        for arguments in ours:
            build_parser().parse_args(arguments)


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "raisr", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"raisr {raisr.__version__}\n"
