"""Compiling kernels where no cache can be written, and what the first one loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile

from casatools.kernels import _kernel
from casatools.kernels._kernel import kernel, reordering_kernel


@pytest.mark.parametrize("make", [kernel, reordering_kernel])
def test_without_a_place_for_the_cache(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def njit(cache: bool = False, **options: Any) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    assert make(abs) is abs and asked == [True, False]


def mixed_up(cache: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether code is found under the wrong type when two processes have looked into the index before the other wrote."""
    one, two, third = (cache(str(folder), "loop-1.py311", (1.0, 10)) for _ in range(3))
    with monkeypatch.context() as early:
        for process in (one, two):
            early.setattr(process, "_load_index", dict)
        # The index is that of the second, the last code written that of the first.
        last = one._save_data
        early.setattr(one, "_save_data", lambda *given: None)
        one.save("float", "float")
        two.save("double", "double")
        early.setattr(one, "_save_data", last)
        early.setattr(one, "_save_index", lambda *given: None)
        one.save("float", "float")
    return any(third.load(key) not in (None, key) for key in ("float", "double"))


def test_processes_that_fill_a_cache_at_once_do_not_mix_code_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mixed_up(IndexDataCacheFile, tmp_path, monkeypatch)
    assert not mixed_up(_kernel._CacheFile, tmp_path, monkeypatch)


def test_a_name_is_not_told_before_its_code_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of a new version that names a file with the code of an old one would let others run that."""
    old, new, other = (_kernel._CacheFile(str(tmp_path), "loop-1.py311", stamp) for stamp in ((1.0, 10), (2.0, 10), (2.0, 10)))
    old.save("float", "old code")
    seen: list[Any] = []
    write = new._save_data

    def looked_at(name: str, data: Any) -> None:
        seen.append(other.load("float"))
        write(name, data)
        seen.append(other.load("float"))

    monkeypatch.setattr(new, "_save_data", looked_at)
    new.save("float", "new code")
    assert seen == [None, None] and other.load("float") == "new code"
    assert len(list(tmp_path.glob("*.nbc"))) == 1


def test_kernels_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def doubled(values: np.ndarray) -> np.ndarray:
        return 2 * values

    first, second = kernel(doubled), kernel(doubled)
    for values in (np.ones(3), np.ones(3, np.float32), np.ones(3, np.complex64)):
        assert np.array_equal(first(values), 2 * values) and np.array_equal(second(values), 2 * values)
    assert len(list(tmp_path.rglob("*.nbc"))) == 3 and len(list(tmp_path.rglob("*.nbi"))) == 1
    assert sum(second.stats.cache_hits.values()) == 3 and type(first._cache._cache_file) is _kernel._CacheFile


def test_the_first_kernel_loads_no_scipy() -> None:
    """Half of its time; numba's own checks, for kernels that multiply matrices, are as before."""
    program = (
        "import sys, numpy as np, numba.np.linalg as linalg\n"
        "asks = linalg.ensure_blas\n"
        "from casatools.kernels.round_pattern import round_pattern\n"
        "round_pattern(np.ones((2, 2)), 1.0, 0.1, np.arange(40.0), np.zeros((2, 2)))\n"
        "from numba.np import arraymath\n"
        "assert not [m for m in sys.modules if m.startswith('scipy.linalg')]\n"
        "assert linalg.ensure_blas is asks and arraymath.ensure_blas is asks and arraymath._HAVE_BLAS\n"
        "asks()\n"
        "assert 'scipy.linalg.cython_blas' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_another_numba_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.delitem(sys.modules, "numba.np.arraymath")
    monkeypatch.setattr(_kernel.importlib, "import_module", lambda name: loaded.append(name))
    _kernel._load_without_scipy()
    assert loaded == ["numba.np.linalg"]
