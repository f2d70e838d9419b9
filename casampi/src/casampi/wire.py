"""Messages between a server rank and its worker process, over a pair of sockets."""

from __future__ import annotations

import select
import socket
import struct
import threading

__all__ = ["Wire"]

_FORM = struct.Struct("<cqq")


class Wire:
    """One end; several threads may send, one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = threading.Lock()

    def send(self, kind: bytes, number: int = 0, data: bytes | bytearray = b"") -> None:
        """Send a message of a kind (one byte), with a number and bytes of any length; OSError when the other end is gone."""
        with self._lock:
            self._end.sendall(_FORM.pack(kind, number, len(data)))
            self._end.sendall(data)

    def receive(self) -> tuple[bytes, int, bytearray]:
        """Wait for a message; EOFError when the other end is gone."""
        kind, number, length = _FORM.unpack(self._exactly(_FORM.size))
        return kind, number, self._exactly(length)

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
