"""Memory that is used again: never while an array or a view of it lives."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import numpy as np
import pytest

from casatools._base import buffers
from casatools._base.buffers import empty_array, idle_bytes
from casatools._base.memory import CHUNK_BYTES, IMAGE_BLOCK_BYTES, chunk_bytes, set_memory

BIG = (1 << 18,)


@pytest.fixture(autouse=True)
def nothing_idle() -> None:
    gc.collect()
    buffers._idle.clear()


def test_arrays_are_like_any() -> None:
    for dtype in (np.complex64, np.bool_, np.float64):
        values = empty_array((3, 1 << 19), dtype)
        values[...] = 1
        assert values.dtype == dtype and values.shape == (3, 1 << 19) and values.flags.writeable and values.flags.c_contiguous
        assert values.sum() == 3 << 19
    assert empty_array((2, 3), np.float32).base is None


def test_memory_comes_back_and_is_used_again() -> None:
    first = empty_array(BIG, np.float64)
    address = first.ctypes.data
    view = first[10:20]
    del first
    gc.collect()
    assert idle_bytes() == 0  # the view holds it
    view[...] = 3.0
    del view
    gc.collect()
    assert idle_bytes() == 8 * BIG[0]
    second = empty_array(BIG, np.complex64)
    assert second.ctypes.data == address and idle_bytes() == 0
    assert empty_array(BIG, np.float64).ctypes.data != address


def test_much_smaller_arrays_leave_large_blocks_alone() -> None:
    del_me = empty_array((1 << 22,), np.float64)
    del del_me
    gc.collect()
    small = empty_array((1 << 18,), np.float64)
    assert idle_bytes() == 8 << 22 and small.nbytes == 8 << 18


def test_idle_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "chunk_bytes", lambda: 3 << 19)
    held = [empty_array(BIG, np.float64) for _ in range(5)]
    del held
    gc.collect()
    assert idle_bytes() <= 3 << 21


def test_blocks_that_the_collector_returns_while_another_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease within a cycle dies wherever the collector runs, also in the middle of `empty_array`."""

    class Loop:
        def __init__(self) -> None:
            self.array, self.me = empty_array(BIG, np.float64), self

    for _ in range(200):
        Loop()
        values = empty_array(BIG, np.float64)
        values[...] = 1.0
    gc.collect()
    assert idle_bytes() <= buffers._IDLE_CHUNKS * buffers.chunk_bytes()


def test_a_limit_of_memory_makes_chunks_small() -> None:
    previous = set_memory("kilobytes", 200 * 1024)
    try:
        assert chunk_bytes() == 200 * 1024 * 1024 // 16
        held = [empty_array((25 << 20,), np.uint8) for _ in range(4)]
        del held
        gc.collect()
        assert idle_bytes() <= 4 * chunk_bytes()
        set_memory("kilobytes", 1)
        assert chunk_bytes() == IMAGE_BLOCK_BYTES
        set_memory("kilobytes", 1 << 24)
        assert chunk_bytes() == CHUNK_BYTES
    finally:
        set_memory("kilobytes", previous)


def test_what_lies_idle_can_be_given_back() -> None:
    array = empty_array((1 << 22,), np.uint8)
    del array
    assert idle_bytes() >= 1 << 22
    buffers.drop_idle()
    assert idle_bytes() == 0


MAPPED = """
import ctypes, sys
import numpy as np
from casatools._base import buffers

class Info(ctypes.Structure):
    _fields_ = [(f"n{k}", ctypes.c_size_t) for k in range(10)]

def mapped():
    function = ctypes.CDLL(None).mallinfo2
    function.restype = Info
    return int(function().n4)

assert buffers.map_large_arrays()
large = np.ones(24 << 20, np.uint8)
del large
before = mapped()
array = np.ones(8 << 20, np.uint8)
assert mapped() - before >= array.nbytes
del array
assert mapped() == before
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="no glibc")
def test_large_arrays_are_mapped_by_themselves() -> None:
    """Also after larger ones were freed, which the C library takes for a reason to put the next into its heap.

    In a process of its own: the heap of one that has run tests has holes of its own.
    """
    subprocess.run([sys.executable, "-c", MAPPED], check=True)


LARGE_PAGES = """
import ctypes
from casatools._base import buffers

def faults():
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def fill(size):
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    before = faults()
    place = libc.malloc(ctypes.c_size_t(size))
    ctypes.memset(ctypes.c_void_p(place), 1, size)
    libc.free(ctypes.c_void_p(place))
    return faults() - before

size = 64 << 20
buffers.map_large_arrays()
plain, before = fill(size), resident()
with buffers.large_pages(size) as arranged:
    assert arranged
    with buffers.large_pages(size) as nested:
        assert not nested
    few = fill(size)
with open("/sys/kernel/mm/transparent_hugepage/enabled") as stream:
    if "[never]" not in stream.read() and plain > 10000:
        assert few < 0.8 * plain, (few, plain)  # a tenth, but for memory that is in small pieces on this machine
assert resident() < before + size / 4, "what the block took goes back"
assert fill(size) > 0.8 * plain, "afterwards all is as before"
with buffers.large_pages(1 << 20) as small:
    assert not small
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="no glibc")
def test_large_pages_of_what_libraries_allocate() -> None:
    """Fewer page faults where the system has large pages, and nothing kept afterwards."""
    subprocess.run([sys.executable, "-c", LARGE_PAGES], check=True)


def test_an_allocator_that_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_allocator", lambda name: None)
    assert buffers.map_large_arrays.__wrapped__() is False
    buffers.drop_idle()
