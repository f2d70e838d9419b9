"""Compiling kernels where no cache can be written, and what the first one loads."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numba
import pytest

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
