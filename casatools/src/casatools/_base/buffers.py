"""Memory for large arrays that is used again: fresh pages cost as much time as the reading that fills them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from casatools._base.memory import chunk_bytes

__all__ = ["drop_idle", "empty_array", "idle_bytes", "large_pages", "map_large_arrays"]

# Smaller arrays come from numpy, whose allocator keeps them.
_SMALLEST = 1 << 20
# Chunks that may lie idle: the columns of the few that a stream has in hand.
_IDLE_CHUNKS = 4
# The collector may run `__del__` of a lease in the thread that holds it.
_lock = threading.RLock()
_idle: list[np.ndarray] = []


class _Lease:
    """Holds a block while an array or one of its views lives; the block is idle afterwards."""

    __slots__ = ("__array_interface__", "__weakref__", "block")

    def __init__(self, block: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.block = block
        interface = dict(block.__array_interface__)
        self.__array_interface__ = {
            **interface,
            "shape": shape,
            "typestr": dtype.str,
            "descr": [("", dtype.str)],
            "strides": None,
        }

    def __del__(self) -> None:
        _give_back(self.block)


def _give_back(block: np.ndarray) -> None:
    if _lock is None:  # the interpreter ends
        return
    with _lock:
        _idle.append(block)
        most = _IDLE_CHUNKS * chunk_bytes()
        while sum(b.nbytes for b in _idle) > most:
            _idle.pop(0)


def _take(nbytes: int) -> np.ndarray:
    with _lock:
        fitting = [b for b in tuple(_idle) if nbytes <= b.nbytes <= 2 * nbytes]
        best = min(fitting, key=lambda b: b.nbytes) if fitting else None
        for k in range(len(_idle)):
            if best is not None and _idle[k] is best:
                return _idle.pop(k)
    return np.empty(nbytes, dtype=np.uint8)


def empty_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of undefined values, like `numpy.empty`; large ones take memory that an array of before has left.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
        Of numbers or truth values.

    Returns
    -------
    ndarray
    """
    kind = np.dtype(dtype)
    nbytes = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if nbytes < _SMALLEST:
        return np.empty(shape, dtype=kind)
    return np.asarray(_Lease(_take(nbytes), tuple(int(n) for n in shape), kind))


def idle_bytes() -> int:
    """Bytes that wait for the next array."""
    with _lock:
        return sum(b.nbytes for b in _idle)


def drop_idle() -> None:
    """Give back what lies idle, here and in the allocator: a stream has ended and its arrays will not be needed soon."""
    with _lock:
        _idle.clear()
    trim = _allocator("malloc_trim")
    if trim is not None:
        trim(0)


# glibc's name for the size from which it maps memory by itself, and that size: it begins at 128 kB, but grows with what is freed, up to 32 MB.
_M_MMAP_THRESHOLD = -3
_MAPPED = 4 << 20


@functools.cache
def map_large_arrays() -> bool:
    """Have the C library map large arrays by themselves from now on; False where it cannot be told.

    Planes of images are allocated and freed in turns between small things that stay: in one heap they leave holes that no later one fits into, which
    were a tenth of an imaging run's memory. Arrays of their own go back to the system when they are freed.
    """
    option = _allocator("mallopt")
    return option is not None and bool(option(_M_MMAP_THRESHOLD, _MAPPED))


# glibc's names for the number of arrays that it maps by themselves at most, and for the free end of the heap from which it gives back.
_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1
_MMAP_MAX, _TRIM = 65536, 128 << 10
_MADV_HUGEPAGE = 14
_HUGE = 2 << 20
_arranging = threading.Lock()


@contextmanager
def large_pages(nbytes: int) -> Iterator[bool]:
    """Have what a library allocates in the block, up to so many bytes altogether, in pages of 2 MB where the system has them; gives whether it does.

    A gridder takes its grids of the C library, which maps them in pages of 4 kB: 40 000 of them for an image of 2048 pixels a side, each made when it is
    first written to, and each an entry of the processor's page tables while samples are strewn over them. The block's arrays come from the end of the heap
    instead, which is asked for large pages, and go back to the system afterwards.
    """
    option, allocate, free = (_allocator(name) for name in ("mallopt", "malloc", "free"))
    advise = _allocator("madvise")
    if nbytes < 16 * _HUGE or None in (option, allocate, free, advise) or not _arranging.acquire(blocking=False):
        yield False
        return
    assert option is not None and allocate is not None and free is not None and advise is not None
    import ctypes

    try:
        option(_M_MMAP_MAX, 0)
        option(_M_TRIM_THRESHOLD, 2**31 - 1)
        size, word = nbytes + _HUGE, ctypes.c_size_t
        allocate.restype, place = ctypes.c_void_p, None  # type: ignore[attr-defined]
        place = allocate(word(size))
        if place:
            start = -(-int(place) // _HUGE) * _HUGE
            advise(ctypes.c_void_p(start), word((int(place) + size - start) // _HUGE * _HUGE), _MADV_HUGEPAGE)
            free(ctypes.c_void_p(place))
        yield bool(place)
    finally:
        option(_M_MMAP_MAX, _MMAP_MAX)
        option(_M_TRIM_THRESHOLD, _TRIM)
        trim = _allocator("malloc_trim")
        if trim is not None:
            trim(0)
        _arranging.release()


@functools.cache
def _allocator(name: str) -> Callable[..., int] | None:
    """A function of the C library's allocator; None where it has none of that name (other than glibc)."""
    import ctypes

    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return found
