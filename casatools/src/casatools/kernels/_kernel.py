"""The one decorator of compiled kernels."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Callable
from typing import Any

import numba
from numba.core.caching import IndexDataCacheFile

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


class _CacheFile(IndexDataCacheFile):  # type: ignore[misc]
    """A kernel's cache that several processes may fill at once, as the ranks of a job do that starts with none.

    numba numbers the files of machine code in the order in which types come, and names them in the index before they are written: processes that
    compile for different types at the same time use one number for both, and others then load code for the wrong types, or that of an older version.
    """

    def save(self, key: Any, data: Any) -> None:
        """Write the code into a file named by its types and processor, then tell it in the index; what a race leaves out there is compiled again."""
        name = self._data_name(int.from_bytes(hashlib.blake2s(repr(key).encode(), digest_size=6).digest()))
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    try:
        compiled = numba.njit(nogil=True, cache=True, **options)(function)
        held = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
        if type(held) is IndexDataCacheFile:  # not so without compilation (NUMBA_DISABLE_JIT)
            held.__class__ = _CacheFile
        return compiled
    except RuntimeError:
        # Neither the installation nor the home folder can be written: compile in each process (NUMBA_CACHE_DIR names another place).
        return numba.njit(nogil=True, **options)(function)
