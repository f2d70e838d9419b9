"""The process beside a server rank that runs the commands: it may crash or hang without taking the MPI job with it.

The rank starts it, gives it commands through a socket and watches it (`supervision`). MPI is not in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib.abc
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from typing import Any

from casampi import packing
from casampi.commands import packed_answer
from casampi.MPIEnvironment import MPIEnvironment
from casampi.wire import SharedMemory, Wire
from casatools._base import config, log

__all__ = ["Start", "abort", "main"]

BEAT, ANSWER, ABORT, START, COMMAND, END = b"b", b"r", b"a", b"s", b"c", b"e"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Start:
    """What a worker takes over from its rank."""

    environment: dict[str, Any]
    options: dict[str, tuple[Any, str]]
    log_path: str


_wire: Wire | None = None


def abort(code: int) -> None:
    """Have this worker's rank end the whole job."""
    if _wire is not None:
        _wire.send(ABORT, code)


class _NoMPI(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, *_: Any) -> None:
        if name == "mpi4py.MPI":
            raise ImportError("commands run in a process beside the MPI rank of their server: MPI itself cannot be used in them")


def main(handle: int, stacks: int, into: int, out: int) -> None:
    """Serve the rank at the other end of a socket until it says that the work is over.

    Parameters
    ----------
    handle : int
        Descriptor of the socket.
    stacks : int
        Descriptor of the file for the stacks that the rank asks for by a signal.
    into, out : int
        Descriptors of the memory for long messages to here and from here; -1 without.
    """
    global _wire
    if sys.platform == "linux":  # the end of the rank is the end of this process, whatever it is doing
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    faulthandler.enable(stacks, all_threads=False)
    faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
    sys.meta_path.insert(0, _NoMPI())
    memory = [SharedMemory(number) if number >= 0 else None for number in (out, into)]
    _wire = Wire(socket.socket(fileno=handle), *memory)
    with contextlib.suppress(EOFError, OSError):  # the rank is gone
        _take_over(packing.unpack(_wire.receive().data, copy=True))
        threading.Thread(target=_beat, args=[_wire], name="casampi-heart", daemon=True).start()
        _serve(_wire)


def _serve(wire: Wire) -> None:
    while True:
        message = wire.receive()
        if message.kind == END:
            return
        answer = packed_answer(message.number, message.data)
        if message.shared and wire.into is not None:
            wire.into.done()
        with contextlib.suppress(OSError, ValueError):  # a command may have closed them
            sys.stdout.flush()
            sys.stderr.flush()
        wire.send(ANSWER, message.number, answer)


def _take_over(start: Start) -> None:
    for name, value in start.environment.items():
        setattr(MPIEnvironment, name, value)
    MPIEnvironment.mpi_pid, MPIEnvironment.runs_in_rank = os.getpid(), False
    for name, (value, origin) in start.options.items():
        config.set_value(name, value, origin)
    # All ranks write into the client's log, whose origin tells them apart; the client has named the versions.
    log.sink.set_path(start.log_path)
    log.sink.greeting = False
    config.notes.clear()
    MPIEnvironment.setup_logger()


def _beat(wire: Wire) -> None:
    # A stopped process that goes on for its stack is to answer in its main thread, before that has left the place.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    pause = threading.Event()
    while not pause.wait(MPIEnvironment.mpi_monitor_status_service_heartbeat):
        try:
            wire.send(BEAT)
        except OSError:  # the rank is gone
            os._exit(1)
