"""Banks as C headers: compiled, and compared with `FilterBank.apply` bit for bit."""

import ctypes
import dataclasses
import shutil
import subprocess

import numpy as np
import pytest

import raisr
from raisr import FilterBank, HashSpec, export_c
from raisr.denoising import bank_for
from raisr.models import colour_bank_for
from tests.banks import random_bank
from tests.images import scene

CSCONV, BLADE, RAISR = map(HashSpec.preset, ("csconv", "blade", "raisr"))
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-march=native"]

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")


def compiled(folder, *banks):
    """Return functions of float32 images, compiled from the headers of banks, in one program."""
    names = [f"bank_{index}" for index in range(len(banks))]
    lines = []
    for name, bank in zip(names, banks, strict=True):
        export_c(bank, folder / f"{name}.h")
        lines += [
            f'#include "{name}.h"',
            f"int run_{name}(const float *image, long height, long width, float *out)",
            f"{{ return {name}_apply(image, height, width, out); }}",
        ]
    (folder / "banks.c").write_text("\n".join([*lines, ""]))
    command = ["gcc", *STRICT, "-shared", "-fPIC", "-o", "banks.so", "banks.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "banks.so"))

    def runner(name):
        function = getattr(library, f"run_{name}")
        function.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_void_p]

        def run(image):
            out = np.empty_like(image)
            assert function(image.ctypes.data, *image.shape, out.ctypes.data) == 0
            return out

        return run

    return [runner(name) for name in names]


def assert_same_bits(run, bank):
    noisy = raisr.noise.add_gaussian_noise(scene((61, 83), 0), 25, seed=0)
    eight_bits = noisy.round().clip(0, 255).astype(np.uint8)
    images = [noisy, noisy[:1, :1], noisy[:1, :9], noisy[:9, :1], noisy[:2, :3], eight_bits]
    for image in images:
        levels = np.ascontiguousarray(image, np.float32)
        ours = bank.apply(levels, data_range=255)
        np.testing.assert_array_equal(run(levels).view(np.int32), ours.view(np.int32))
    whole = np.rint(run(eight_bits.astype(np.float32))).clip(0, 255)
    np.testing.assert_array_equal(whole, bank.apply(eight_bits))


@needs_gcc
def test_shipped_banks_have_the_same_bits_in_one_program(tmp_path):
    banks = bank_for("fast", 25), bank_for("best", 25)
    for run, bank in zip(compiled(tmp_path, *banks), banks, strict=True):
        assert_same_bits(run, bank)


@needs_gcc
def test_a_bank_that_a_user_learned_has_the_same_bits(tmp_path):
    clean = [scene((64, 72), seed) for seed in range(3)]
    pairs = [(raisr.noise.add_gaussian_noise(c, 20, seed=i), c) for i, c in enumerate(clean)]
    bank = raisr.learn_filters(pairs, "csconv", size=5, stages=2, data_range=255)
    [run] = compiled(tmp_path, bank)
    assert_same_bits(run, bank)


@needs_gcc
@pytest.mark.parametrize(
    "specs",
    [
        [RAISR],
        [dataclasses.replace(BLADE, presmooth=0.2)],
        [dataclasses.replace(CSCONV, period=3), CSCONV],
        [dataclasses.replace(CSCONV, index_order=("coherence", "orientation", "strength"))],
        [dataclasses.replace(CSCONV, orientations=1, strength_edges=(), coherence_edges=())],
    ],
    ids=["raisr", "presmooth", "period", "index order", "one class"],
)
def test_every_kind_of_class_has_the_same_bits(tmp_path, specs):
    for size in (1, 9, 15):
        bank = random_bank(*specs, size=size)
        (tmp_path / str(size)).mkdir()
        [run] = compiled(tmp_path / str(size), bank)
        assert_same_bits(run, bank)


def test_turned_filters_are_written_once(tmp_path):
    bank = bank_for("fast", 25)
    export_c(bank, tmp_path / "ours.h")
    strangers = random_bank(bank.stages[0].spec, size=bank.stages[0].size)
    export_c(strangers, tmp_path / "others.h")
    ours, others = ((tmp_path / f"{name}.h").stat().st_size for name in ("ours", "others"))
    assert ours < others / 3


def test_the_file_tells_its_licence(tmp_path):
    export_c(random_bank(), tmp_path / "bank.h")
    assert "Permission is hereby granted, free of charge" in (tmp_path / "bank.h").read_text()


@pytest.mark.parametrize("name", ["bank.c", "bank", "25.h", "two words.h", "a-b.h"])
def test_names_that_c_does_not_know_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"must be one of C's and end in \.h"):
        export_c(random_bank(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_other_banks_are_refused(tmp_path):
    with pytest.raises(TypeError, match="must be a FilterBank, got ColourBank"):
        export_c(colour_bank_for("fast", 25, 25, 25), tmp_path / "bank.h")


def test_a_loaded_bank_makes_the_same_file(tmp_path):
    bank = random_bank(CSCONV, CSCONV)
    bank.save(tmp_path / "bank.safetensors")
    export_c(bank, tmp_path / "bank.h")
    first = (tmp_path / "bank.h").read_text()
    export_c(FilterBank.load(tmp_path / "bank.safetensors"), tmp_path / "bank.h")
    assert (tmp_path / "bank.h").read_text() == first
