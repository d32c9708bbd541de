"""Compiled functions on a Numba that keeps its cache in another way."""

import errno
import importlib
import pkgutil
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching
from numba.core.registry import CPUDispatcher

import raisr.kernels
from raisr.kernels import apply, calls, hash, kernel, pixels
from raisr.validate import GrayImage, sink_of
from tests.banks import CSCONV, random_bank


def double(x):
    return 2 * x


def test_kernels_are_cached(tmp_path):
    compiled = kernel(double)
    assert compiled(4) == 8
    assert isinstance(compiled._cache, caching.FunctionCache)


@pytest.mark.parametrize("missing", ["_index_key", "_cache"])
def test_without_the_private_key_nothing_is_cached_and_all_works(monkeypatch, missing):
    if missing == "_index_key":
        monkeypatch.delattr(caching.Cache, "_index_key")
    else:

        def njit(**options):
            def compile_it(function):
                dispatcher = numba.njit(**options)(function)
                if options.get("cache"):
                    del dispatcher._cache
                return dispatcher

            return compile_it

        monkeypatch.setattr("raisr.kernels.njit", njit)
    compiled = kernel(double)
    assert compiled(4) == 8
    assert not isinstance(compiled._cache, caching.FunctionCache)


def test_a_change_of_any_source_that_is_inlined_compiles_anew(monkeypatch):
    csconv = pytest.importorskip("hybrid.csconv", reason="PyTorch is not installed")
    read, read_bytes = set(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.add(path) or read_bytes(path))
    raisr.kernels._inlined_code.__wrapped__(Path(csconv.__file__).parent)
    packages = "raisr.", "hybrid."
    names = {name for name in sys.modules if "simd" in name and name.startswith(packages)}
    assert {"raisr.simd", "raisr._simd_hash", "hybrid.csconv.simd"} <= names
    inlined = [*names, "raisr.kernels.memory", "hybrid.csconv.emit", "hybrid.csconv.plain"]
    assert {importlib.import_module(name).__file__ for name in inlined} <= set(map(str, read))


@pytest.mark.parametrize("kind", ["hash", "filter"])
def test_other_sizes_compile_next_to_nothing_anew(kind):
    """Of what is done to an image, only what is done to a row is compiled for its sizes."""
    image = np.random.default_rng(0).normal(128, 40, (12, 15)).astype(np.float32)
    whole = {"hash": hash.hash_rows, "filter": apply.filter_rows}[kind]
    for first, size in ((True, 13), (False, 15)):
        before = len(whole.signatures)
        if kind == "hash":
            raisr.hash_image(image, replace(CSCONV, window=size), data_range=255)
        else:
            random_bank(CSCONV, size=size).apply(image, data_range=255)
        assert first or len(whole.signatures) == before


def test_threads_compile_a_function_for_some_numbers_once():
    """Each makes it anew, of what alone may differ, and they start at once."""

    def made(number):
        def add_number(place):  # compiled
            calls.call(place, (place + number,))

        return add_number

    barrier = threading.Barrier(4)

    def address(_):
        function = made(7)
        barrier.wait()
        return calls.special(function, 7)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(address, range(4)))) == 1
    assert calls.special(made(8), 8) != calls.special(made(7), 7)


def third(x):
    return x / 3


def test_what_cannot_be_kept_on_disk_works_and_is_said_once(monkeypatch, caplog):
    def full(self, *arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_data", full)
    raisr.kernels._say_that_nothing_is_kept.cache_clear()
    compiled = kernel(third)
    assert (compiled(6), compiled(6.0)) == (2, 2)
    (record,) = (each for each in caplog.records if "kept" in each.message)
    assert record.message.startswith(f"{compiled._cache._cache_path}: No space left on device; ")


def half(x):
    return x / 2


def test_processes_that_compile_at_once_do_not_mix_up_signatures(monkeypatch):
    """Neither of two processes knows of the other's signature; the first one writes last."""
    files, written = caching.IndexDataCacheFile, []
    with monkeypatch.context() as context:
        context.setattr(files, "_load_index", lambda self: {})
        context.setattr(files, "_save_data", lambda *arguments: written.append(arguments))
        kernel(half)(3)
        kernel(half)(3.0)
    for arguments in reversed(written):
        files._save_data(*arguments)
    later = kernel(half)
    assert (later(5), later(5.0)) == (2.5, 2.5)
    assert sum(later.stats.cache_hits.values()) == 2


def test_every_compiled_function_has_a_name_of_its_own():
    """Two of one name and types are mistaken for one another in code of several processes."""
    csconv = pytest.importorskip("hybrid.csconv", reason="PyTorch is not installed")
    modules = [
        importlib.import_module(f"{package.__name__}.{entry.name}")
        for package in (raisr.kernels, csconv)
        for entry in pkgutil.iter_modules(package.__path__)
        if entry.name != "cuda"
    ]
    functions = {
        value.py_func
        for module in modules
        for value in vars(module).values()
        if isinstance(value, CPUDispatcher)
    }
    assert len(functions) > 40
    names = Counter((function.__module__, function.__qualname__) for function in functions)
    assert [name for name, count in names.items() if count > 1] == []
    assert [name for _, name in names if "<locals>" in name] == []


def test_kernels_do_not_contain_what_reads_and_writes_pixels():
    """Each would be compiled with all of it, for most of the time that it takes."""

    @numba.njit
    def copy(source, sink, place):
        pixels.read_row(source, 0, 0, 3, place)
        pixels.write_row(place, 3, sink, 0, 0)

    image, levels = np.array([[7, 8, 9]], np.uint16), np.empty(3, np.float32)
    out = np.zeros_like(image)
    copy(GrayImage(image).source, sink_of(out, 255), levels.ctypes.data)
    np.testing.assert_array_equal(out, image)
    (code,) = copy.inspect_llvm().values()
    assert "shorts" not in code


def test_functions_are_called_by_address_with_numbers_of_64_bits_alone():
    @numba.njit
    def run(number):
        calls.call(0, (number,))

    with pytest.raises(numba.TypingError):
        run(np.float32(1))
