"""The private channel between the client rank and its servers, the start of both, and the end of the job."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from types import TracebackType
from typing import Any

from casampi.MPIEnvironment import MPIEnvironment
from casatools._base import log

__all__ = ["TAG_BEAT", "TAG_COMMAND", "TAG_RESPONSE", "channel", "lost_servers", "start", "stop", "stopped"]

TAG_COMMAND, TAG_RESPONSE, TAG_BEAT = 1, 2, 3

_channel: Any = None
_stopped = False
# Servers that were given up: their ranks, while they are neither answering nor beating.
lost_servers: set[int] = set()


def channel() -> Any:
    """The communicator of the commands: a duplicate of the world, so that a script's own messages never mix with them."""
    start()
    return _channel


def start() -> None:
    """Begin the service of this rank: at once back on the client; on a server when the client has ended, by SystemExit.

    Collective: every rank of the world comes here, by ``import casatasks`` or by making an MPICommandClient.
    """
    global _channel
    if _channel is not None or not MPIEnvironment.is_mpi_enabled:
        return
    _channel = MPIEnvironment.mpi_comm_world_factory().Dup()
    # All ranks write into the client's log; their origin tells them apart.
    log.sink.set_path(_channel.bcast(log.sink.path, root=MPIEnvironment.mpi_client_rank))
    MPIEnvironment.setup_logger()
    if MPIEnvironment.is_mpi_client:
        sys.excepthook = _end_all
        atexit.register(stop)
        from casampi.executor import MPIExecutor
        from casatools._base import executor

        executor.register(MPIExecutor())
        return
    log.sink.greeting = False  # the client names the versions
    from casampi.MPICommandServer import MPICommandServer

    MPICommandServer().serve()
    raise SystemExit(0)


def _end_all(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """An error or Ctrl-C that ends the script on the client ends every rank: none may wait for a client that is gone."""
    sys.__excepthook__(kind, value, trace)
    sys.stdout.flush()
    sys.stderr.flush()
    abort(130 if issubclass(kind, KeyboardInterrupt) else 1)


def abort(code: int) -> None:
    """End all ranks now with an exit code."""
    MPIEnvironment.mpi_comm_world_factory().Abort(code)


def stop() -> None:
    """Tell the servers that the work is over; end the whole job with a failure where one of them no longer answers."""
    global _stopped
    if _channel is None or _stopped or not MPIEnvironment.is_mpi_client:
        return
    _stopped = True
    if lost_servers:
        sys.stdout.flush()
        sys.stderr.write(f"MPI servers {sorted(lost_servers)} do not answer; the job ends with a failure\n")
        sys.stderr.flush()
        abort(1)
    for rank in MPIEnvironment.mpi_server_rank_list():
        _channel.send(None, dest=rank, tag=TAG_COMMAND)


def stopped() -> bool:
    """True once the servers have been told to end."""
    return _stopped


class Heart(threading.Thread):
    """Tells the client now and then that this server lives; needs an MPI that lets several threads speak."""

    def __init__(self, comm: Any) -> None:
        super().__init__(name="casampi-heart", daemon=True)
        self.comm = comm
        self.end = threading.Event()

    def run(self) -> None:
        while not self.end.wait(MPIEnvironment.mpi_monitor_status_service_heartbeat):
            self.comm.send(os.getpid(), dest=MPIEnvironment.mpi_client_rank, tag=TAG_BEAT)
