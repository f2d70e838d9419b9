"""Messages between the client rank and its servers: bytes of any length, and what the tags mean."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["END", "TAG_ANSWER", "TAG_BEAT", "TAG_BYE", "TAG_COMMAND", "TAG_READY", "Head", "receive", "send"]

TAG_COMMAND, TAG_ANSWER, TAG_BEAT, TAG_BYE, TAG_READY = 1, 2, 3, 4, 5
# What one MPI message holds: counts of MPI are 32 bits in many versions.
_PIECE = 1 << 30
# Messages that MPI carries without waiting for the other side.
_SHORT = 1 << 11
_FORM = struct.Struct("<qd?q")


@dataclass(frozen=True)
class Head:
    """What goes before the bytes of a message.

    Parameters
    ----------
    id : int
        Of the request; 0 of none, END of the client's farewell.
    limit_s : float
        Seconds the command may take; 0 for any time.
    lost : bool
        The server answers that it can no longer work.
    """

    id: int
    limit_s: float = 0.0
    lost: bool = False


END = -1


def send(comm: Any, head: Head, data: bytes | bytearray, rank: int, tag: int, patience: Callable[[], bool] | None = None) -> bool:
    """Send bytes to a rank; `patience` is asked now and then whether to wait on, so a rank that takes nothing holds nobody.

    Long messages wait for the other side's word that it is receiving: then both sides give their whole attention to MPI, which moves nothing
    while one of them naps.

    Returns
    -------
    bool
        False when patience ended.
    """
    form = _FORM.pack(head.id, head.limit_s, head.lost, len(data))
    comm.Send(form, dest=rank, tag=tag)
    if len(data) > _SHORT:
        nap_s = 0.0
        while not comm.iprobe(source=rank, tag=TAG_READY):
            if patience is not None and not patience():
                return False
            time.sleep(nap_s)
            nap_s = min(nap_s + 0.0002, 0.005)
        comm.Recv(bytearray(1), source=rank, tag=TAG_READY)
    view = memoryview(data)
    parts = [view[k : k + _PIECE] for k in range(0, len(data), _PIECE)]
    sends = [comm.Isend(part, dest=rank, tag=tag) for part in parts]
    while not all(one.Test() for one in sends):
        if patience is not None and not patience():
            _abandoned.append((sends, parts))
            return False
        time.sleep(0)
    return True


# What MPI may still read.
_abandoned: list[Any] = []


def receive(comm: Any, rank: int, tag: int) -> tuple[Head, bytearray]:
    """Take a message that `comm.iprobe` has seen."""
    form = bytearray(_FORM.size)
    comm.Recv(form, source=rank, tag=tag)
    number, limit_s, lost, length = _FORM.unpack(form)
    data = bytearray(length)
    if length > _SHORT:
        comm.Send(b"r", dest=rank, tag=TAG_READY)
    view = memoryview(data)
    for k in range(0, length, _PIECE):
        comm.Recv(view[k : k + _PIECE], source=rank, tag=tag)
    return Head(number, limit_s, lost), data
