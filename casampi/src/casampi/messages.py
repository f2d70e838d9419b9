"""Messages between the client rank and its servers: objects of any length, and what the tags mean."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from casampi import packing

__all__ = ["END", "TAG_ANSWER", "TAG_BEAT", "TAG_BYE", "TAG_COMMAND", "TAG_READY", "Head", "receive", "send"]

TAG_COMMAND, TAG_ANSWER, TAG_BEAT, TAG_BYE, TAG_READY = 1, 2, 3, 4, 5
# What one MPI message holds: counts of MPI are 32 bits in many versions.
_PIECE = 1 << 30
# Messages that MPI carries without waiting for the other side.
_SHORT = 1 << 11
_FORM = struct.Struct("<qd?qq")


@dataclass(frozen=True)
class Head:
    """What goes before the data of a message.

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


def send(comm: Any, head: Head, parts: packing.Parts, rank: int, tag: int, patience: Callable[[], bool] | None = None) -> bool:
    """Send the parts of an object to a rank; `patience` is asked now and then whether to wait on, so a rank that takes nothing holds nobody.

    Long messages wait for the other side's word that it is receiving: then both sides give their whole attention to MPI, which moves nothing
    while one of them naps.

    Returns
    -------
    bool
        False when patience ended.
    """
    table = packing.table(parts)
    length = packing.offsets(table)[1] if parts else 0
    comm.Send(_FORM.pack(head.id, head.limit_s, head.lost, len(table), length), dest=rank, tag=tag)
    if not length:
        return True
    if length <= _SHORT:
        comm.Send(packing.flat(parts), dest=rank, tag=tag)
        return True
    comm.Send(table, dest=rank, tag=tag)
    nap_s = 0.0
    while not comm.iprobe(source=rank, tag=TAG_READY):
        if patience is not None and not patience():
            return False
        time.sleep(nap_s)
        nap_s = min(nap_s + 0.0002, 0.005)
    comm.Recv(bytearray(1), source=rank, tag=TAG_READY)
    pieces = [piece for part in parts for piece in _pieces(memoryview(part).cast("B"))]
    sends = [comm.Isend(piece, dest=rank, tag=tag) for piece in pieces]
    while not all(one.Test() for one in sends):
        if patience is not None and not patience():
            _abandoned.append((sends, pieces))
            return False
        time.sleep(0)
    return True


# What MPI may still read.
_abandoned: list[Any] = []


def _pieces(view: memoryview) -> list[memoryview]:
    return [view[k : k + _PIECE] for k in range(0, len(view), _PIECE)]


def receive(
    comm: Any, rank: int, tag: int, room: Callable[[int], bytearray | memoryview] = bytearray
) -> tuple[Head, bytearray | memoryview]:
    """Take a message that `comm.iprobe` has seen, as packed data in memory that `room` gives."""
    form = bytearray(_FORM.size)
    comm.Recv(form, source=rank, tag=tag)
    number, limit_s, lost, size, length = _FORM.unpack(form)
    head = Head(number, limit_s, lost)
    if not length:
        return head, bytearray()
    data = room(length)
    view = memoryview(data)
    if length <= _SHORT:
        comm.Recv(view, source=rank, tag=tag)
        return head, data
    comm.Recv(view[:size], source=rank, tag=tag)
    comm.Send(b"r", dest=rank, tag=TAG_READY)
    for part in packing.split(view):
        for piece in _pieces(part):
            comm.Recv(piece, source=rank, tag=tag)
    return head, data
