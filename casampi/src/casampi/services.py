"""The private channel between the client rank and its servers, the start of both, and the end of the job."""

from __future__ import annotations

import atexit
import os
import sys
import time
from types import TracebackType
from typing import Any

from casampi import messages
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base import log
from casatools._base.threads import launched_ranks, mark_rank

__all__ = ["abort", "channel", "client_process", "lost_servers", "start", "stop", "stopped"]

_channel: Any = None
_client: tuple[str, int] = ("", 0)
_stopped = False
# Servers that were given up: their ranks, and why.
lost_servers: dict[int, str] = {}


def channel() -> Any:
    """The communicator of the commands: a duplicate of the world, so that a script's own messages never mix with them."""
    start()
    return _channel


def client_process() -> int:
    """The client's process where it runs on this host; else 0."""
    return _client[1] if _client[0] == MPIEnvironment.hostname else 0


def start() -> None:
    """Begin the service of this rank: at once back on the client; on a server when the client has ended, by SystemExit.

    Collective: every rank of the world comes here, by ``import casatasks`` or by making an MPICommandClient.
    """
    global _channel, _client
    if MPIEnvironment.mpi_error_msg and launched_ranks() > 1:
        raise SystemExit(f"{MPIEnvironment.mpi_error_msg}; each rank would run the whole script on the same data")
    if _channel is not None or not MPIEnvironment.is_mpi_enabled or not MPIEnvironment.runs_in_rank:
        return
    _channel = MPIEnvironment.mpi_comm_world_factory().Dup()
    # All ranks write into the client's log; their origin tells them apart.
    path, _client = _channel.bcast((log.sink.path, (MPIEnvironment.hostname, os.getpid())), root=MPIEnvironment.mpi_client_rank)
    log.sink.set_path(path)
    mark_rank()
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
    if not MPIEnvironment.runs_in_rank:
        from casampi import worker

        worker.abort(code)
        return
    MPIEnvironment.mpi_comm_world_factory().Abort(code)


def stop() -> None:
    """Wait for what is under way and tell the servers that the work is over; end the job with a failure where one was lost."""
    global _stopped
    if _channel is None or _stopped or not MPIEnvironment.is_mpi_client:
        return
    from casampi.MPICommandClient import wait_for_open_requests

    wait_for_open_requests()
    _stopped = True
    live = [rank for rank in MPIEnvironment.mpi_server_rank_list() if rank not in lost_servers]
    until = time.monotonic() + MPIEnvironment.mpi_monitor_status_service_timeout
    for rank in live:
        messages.send(_channel, messages.Head(messages.END), (), rank, messages.TAG_COMMAND, lambda: time.monotonic() < until)
    for rank in live:
        _part_from(rank)
    if lost_servers:
        reasons = "".join(f"MPI server {rank}: {why}\n" for rank, why in sorted(lost_servers.items()))
        sys.stdout.flush()
        sys.stderr.write(f"{reasons}MPI servers {sorted(lost_servers)} do not answer; the job ends with a failure\n")
        sys.stderr.flush()
        abort(1)


def _part_from(rank: int) -> None:
    """Hear a server's farewell: without it the end of MPI would wait for a rank that never comes."""
    # The server may wait this long for its worker process.
    until = time.monotonic() + 2 * MPIEnvironment.mpi_monitor_status_service_timeout
    while time.monotonic() < until:
        for tag in (messages.TAG_BEAT, messages.TAG_ANSWER):
            while _channel.iprobe(source=rank, tag=tag):
                messages.receive(_channel, rank, tag)
        if _channel.iprobe(source=rank, tag=messages.TAG_BYE):
            head, _ = messages.receive(_channel, rank, messages.TAG_BYE)
            if head.lost:
                lost_servers[rank] = "its process did not end well"
            return
        time.sleep(0.001)
    lost_servers[rank] = "no farewell came"


def stopped() -> bool:
    """True once the servers have been told to end."""
    return _stopped
