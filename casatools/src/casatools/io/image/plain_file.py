"""Blocks of an array that lies in a file in C order, as in FITS: read and written piece by piece, without mapping the file."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator, Sequence

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError

__all__ = ["PIECE_BYTES", "read_block", "reserve_file", "write_block"]

# Files are written in pieces of this size: for larger ones the system seeks large pages, which takes several times the time of the copy.
PIECE_BYTES = 1 << 18


def _pieces(shape: Sequence[int], block: Sequence[slice], itemsize: int) -> Iterator[tuple[int, int, int]]:
    """Offset in the file, offset in the block and size [byte] of the parts of a block that lie in one piece."""
    whole = len(shape)
    while whole > 0 and (block[whole - 1].start, block[whole - 1].stop) == (0, shape[whole - 1]):
        whole -= 1
    cut = max(0, whole - 1)  # the last axis that is not whole; what is behind it lies together
    inner = itemsize * math.prod(shape[cut + 1 :])
    strides = [itemsize * math.prod(shape[k + 1 :]) for k in range(cut)]
    size = (block[cut].stop - block[cut].start) * inner
    for number, place in enumerate(np.ndindex(*(s.stop - s.start for s in block[:cut]))):
        at = sum((s.start + k) * step for s, k, step in zip(block[:cut], place, strides, strict=True))
        yield at + block[cut].start * inner, number * size, size


def read_block(path: str, offset: int, shape: Sequence[int], dtype: np.dtype, block: Sequence[slice]) -> np.ndarray:
    """The pixels of a block.

    Parameters
    ----------
    path : str
    offset : int
        Of the array in the file [byte].
    shape : sequence of int
    dtype : dtype
        As stored.
    block : sequence of slice
        Steps of one.

    Raises
    ------
    DataError
        The file ends before, or cannot be read.
    """
    out = empty_array(tuple(s.stop - s.start for s in block), dtype)
    flat = memoryview(out.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    try:
        with open(path, "rb", buffering=0) as stream:
            for at, into, size in _pieces(shape, block, dtype.itemsize):
                _move(stream.fileno(), os.preadv, flat[into : into + size], offset + at)
    except OSError as error:
        raise DataError(f"pixels in {path!r} cannot be read: {error.strerror or error}") from error
    return out


def write_block(descriptor: int, offset: int, shape: Sequence[int], block: Sequence[slice], values: np.ndarray) -> None:
    """Put the pixels of a block, given in C order as they are stored, into an open file; raises OSError."""
    flat = memoryview(np.ascontiguousarray(values).reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    for at, into, size in _pieces(shape, block, values.dtype.itemsize):
        _move(descriptor, os.pwritev, flat[into : into + size], offset + at)


def reserve_file(descriptor: int, nbytes: int) -> None:
    """Take the disk space of an open file now; raises OSError where there is none.

    A full disk is found before anything is computed, and pixels go into such a file several times faster than into one that is a hole.
    """
    try:
        os.posix_fallocate(descriptor, 0, nbytes)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        os.ftruncate(descriptor, max(nbytes, os.fstat(descriptor).st_size))  # the file system cannot reserve


def _move(descriptor: int, move: object, part: memoryview, at: int) -> None:
    while len(part):
        done = move(descriptor, [part[:PIECE_BYTES] if move is os.pwritev else part], at)  # type: ignore[operator]
        if not done:
            raise OSError("it ends before")
        part, at = part[done:], at + done
