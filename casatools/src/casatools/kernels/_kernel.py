"""The one decorator of compiled kernels."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numba

__all__ = ["kernel", "reordering_kernel"]


def _load_without_scipy() -> None:
    """Load numba's functions of arrays, which ask at once whether scipy has a BLAS.

    To answer scipy.linalg is loaded, for half of the time of a process's first kernel. scipy is a requirement of this package, and kernels
    that multiply matrices ask again when they are compiled: the question can wait.
    """
    if "numba.np.arraymath" in sys.modules:
        return
    linalg: Any = importlib.import_module("numba.np.linalg")
    ensure = getattr(linalg, "ensure_blas", None)
    if ensure is None:  # a numba that is made in another way
        return
    linalg.ensure_blas = lambda: None
    try:
        arrays: Any = importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = ensure
    arrays.ensure_blas = ensure


_load_without_scipy()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a plain loop; it releases the GIL and is cached on disk. ``.py_func`` is the uncompiled original."""
    return _compile(function)


def reordering_kernel(function: Callable[..., Any]) -> Any:
    """Like `kernel`; terms of sums may be added in another order, several at once, as `numpy.sum` does."""
    return _compile(function, fastmath={"reassoc", "contract", "nsz"})


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:
        # Neither the installation nor the home folder can be written: compile in each process (NUMBA_CACHE_DIR names another place).
        return numba.njit(nogil=True, **options)(function)
