"""The one decorator of compiled kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["kernel", "parallel_kernel"]


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a plain loop; it releases the GIL and is cached on disk. ``.py_func`` is the uncompiled original."""
    return numba.njit(nogil=True, cache=True)(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Like `kernel`, with ``numba.prange`` loops spread over the threads set by ``numba.set_num_threads``."""
    return numba.njit(nogil=True, cache=True, parallel=True)(function)
