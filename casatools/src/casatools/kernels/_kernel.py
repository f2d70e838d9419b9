"""The one decorator of compiled kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["kernel", "reordering_kernel"]


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
