"""Messages between a rank and its worker process, here within one process."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from casampi import packing
from casampi.wire import SharedMemory, Wire


def test_short_and_long_messages() -> None:
    one, other = socket.socketpair()
    memory = SharedMemory.made()
    sender, taker = Wire(one, out=memory), Wire(other, into=SharedMemory(memory.handle))
    assert not taker.poll(0.0)
    sender.send(b"c", 7, packing.pack("short"))
    assert taker.poll(1.0)
    message = taker.receive()
    assert (message.kind, message.number, message.shared, packing.unpack(message.data, True)) == (b"c", 7, False, "short")
    for length in (50_000, 10_000_000, 30_000):  # grown, given back, small again
        sender.send(b"c", 8, packing.pack(np.arange(length)))
        message = taker.receive()
        assert message.shared and packing.unpack(message.data, True).sum() == length * (length - 1) // 2
        assert taker.into is not None
        taker.into.done()
    sender.close()
    with pytest.raises(EOFError, match="gone"):
        taker.receive()
    other.close()


def test_long_messages_without_shared_memory() -> None:
    one, other = socket.socketpair()
    thread = threading.Thread(target=lambda: Wire(one).send(b"r", 1, packing.pack(np.arange(200_000))))
    thread.start()
    assert packing.unpack(Wire(other).receive().data, copy=False)[-1] == 199_999
    thread.join()
    one.close()
    other.close()
