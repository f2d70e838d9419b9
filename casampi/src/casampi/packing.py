"""Objects as bytes and back: large arrays stand beside the pickle, so that they are copied only where they must be.

Packed data are a table (number of parts, length of each), then the pickle and the arrays, each at a multiple of 64 bytes.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from typing import Any

__all__ = ["Parts", "flat", "offsets", "pack", "split", "table", "unpack", "write"]

Parts = Sequence[bytes | bytearray | memoryview]

_LEAST_BYTES = 1 << 16
_STEP = 64


def pack(thing: Any) -> list[bytes | memoryview]:
    """The pickle of an object and the memory of the large arrays in it."""
    arrays: list[memoryview] = []

    def within(buffer: pickle.PickleBuffer) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:  # not in one piece
            return True
        if raw.nbytes < _LEAST_BYTES:
            return True
        arrays.append(raw)
        return False

    return [pickle.dumps(thing, protocol=5, buffer_callback=within), *arrays]


def table(parts: Parts) -> bytes:
    """Number of the parts and length of each."""
    return struct.pack(f"<{len(parts) + 1}q", len(parts), *(memoryview(part).nbytes for part in parts))


def offsets(head: bytes | bytearray | memoryview) -> tuple[list[tuple[int, int]], int]:
    """Begin and end of each part in packed data, and the length of the whole, from its table."""
    (count,) = struct.unpack_from("<q", head)
    found, end = [], 8 * (count + 1)
    for size in struct.unpack_from(f"<{count}q", head, 8):
        begin = -(-end // _STEP) * _STEP
        end = begin + size
        found.append((begin, end))
    return found, end


def write(parts: Parts, into: memoryview) -> None:
    """Write parts as packed data; `into` has the length that `offsets` tells."""
    head = table(parts)
    into[: len(head)] = head
    for part, (begin, end) in zip(parts, offsets(head)[0], strict=True):
        into[begin:end] = memoryview(part).cast("B")


def flat(parts: Parts) -> bytearray:
    """Parts as packed data."""
    data = bytearray(offsets(table(parts))[1])
    write(parts, memoryview(data))
    return data


def split(data: bytearray | memoryview) -> list[memoryview]:
    """The parts of packed data, in place."""
    view = memoryview(data)
    return [view[begin:end] for begin, end in offsets(data)[0]]


def unpack(data: bytearray | memoryview, copy: bool) -> Any:
    """The object of packed data; its large arrays lie in `data` itself unless they are to be copied."""
    main, *arrays = split(data)
    return pickle.loads(main, buffers=[bytearray(a) for a in arrays] if copy else arrays)
