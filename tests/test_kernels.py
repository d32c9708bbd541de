"""Compiled functions on a Numba that keeps its cache in another way."""

import numba
import pytest
from numba.core import caching

from raisr.kernels import kernel


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
