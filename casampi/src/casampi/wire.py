"""Messages between a server rank and its worker process: a pair of sockets, and memory that both see for what is long."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import socket
import struct
import threading
from dataclasses import dataclass

from casampi import packing

__all__ = ["SharedMemory", "Wire"]

_FORM = struct.Struct("<cq?q")
_SHORT = 1 << 14
# What stays in memory for the next long message.
_KEEP = 1 << 26


class SharedMemory:
    """A nameless file in memory that two processes map; it holds one message at a time."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._map: mmap.mmap | None = None

    @classmethod
    def made(cls) -> SharedMemory:
        """New memory, which a child process may inherit."""
        return cls(os.memfd_create("casampi"))

    def room(self, length: int) -> memoryview:
        """The first bytes, made where they are missing."""
        if os.fstat(self.handle).st_size < length:
            os.ftruncate(self.handle, length)
        if self._map is None or len(self._map) < length:
            self._map = mmap.mmap(self.handle, os.fstat(self.handle).st_size)
        return memoryview(self._map)[:length]

    def done(self) -> None:
        """The message has been read: give back what the next one hardly needs."""
        if os.fstat(self.handle).st_size > _KEEP:
            os.ftruncate(self.handle, 0)
            old, self._map = self._map, None
            if old is not None:
                with contextlib.suppress(BufferError):  # still in use by a view
                    old.close()


@dataclass(frozen=True)
class Message:
    """What came: its kind, a number, and packed data, which may lie in shared memory until `SharedMemory.done`."""

    kind: bytes
    number: int
    data: bytearray | memoryview
    shared: bool


class Wire:
    """One end; several threads may send, one receives.

    Parameters
    ----------
    end : socket
    out, into : SharedMemory or None
        For long messages from here and to here.
    """

    def __init__(self, end: socket.socket, out: SharedMemory | None = None, into: SharedMemory | None = None) -> None:
        self._end = end
        self.out, self.into = out, into
        self._lock = threading.Lock()

    def send(self, kind: bytes, number: int = 0, parts: packing.Parts = ()) -> None:
        """Send a message of a kind (one byte), with a number and the parts of an object; OSError when the other end is gone."""
        length = packing.offsets(packing.table(parts))[1]
        if self.out is not None and length > _SHORT:
            packing.write(parts, self.out.room(length))
            self.tell(kind, number, length)
            return
        with self._lock:
            self._end.sendall(_FORM.pack(kind, number, False, length))
            self._end.sendall(packing.flat(parts))

    def tell(self, kind: bytes, number: int, length: int) -> None:
        """Send a message whose data are in the shared memory already."""
        with self._lock:
            self._end.sendall(_FORM.pack(kind, number, True, length))

    def receive(self) -> Message:
        """Wait for a message; EOFError when the other end is gone."""
        kind, number, shared, length = _FORM.unpack(self._exactly(_FORM.size))
        if shared and self.into is not None:
            return Message(kind, number, self.into.room(length), True)
        return Message(kind, number, self._exactly(length), False)

    def poll(self, nap_s: float) -> bool:
        """True when there is something to receive, after waiting for it at most `nap_s` seconds."""
        return bool(select.select([self._end], [], [], nap_s)[0])

    def _exactly(self, length: int) -> bytearray:
        data = bytearray(length)
        view, done = memoryview(data), 0
        while done < length:
            got = self._end.recv_into(view[done:])
            if not got:
                raise EOFError("the other end is gone")
            done += got
        return data
