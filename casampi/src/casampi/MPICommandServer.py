"""The loop of a server rank: takes commands of the client one by one and answers each with a result or a traceback."""

from __future__ import annotations

import importlib
import pickle
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from casampi import services
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base import log
from casatools._base.errors import CasaError
from casatools._base.threads import set_thread_count

__all__ = ["Command", "MPICommandServer", "Response", "run_command"]


@dataclass(frozen=True)
class Command:
    """A request: text to evaluate or execute with `parameters` as its names, or a module-level callable with arguments."""

    id: int
    command: str | Callable[..., Any]
    parameters: dict[str, Any] | None = None


@dataclass(frozen=True)
class Response:
    """The answer to a command; `error` is the exception itself where it is one of the suite's own."""

    id: int
    successful: bool
    ret: Any = None
    traceback: str = ""
    error: CasaError | None = None


_PACKAGES = ("casatasks", "casatools")


class _Names(dict[str, Any]):
    """The names that a command sees: its own, those of earlier commands, then the packages, and tasks and tools by their public names."""

    def __missing__(self, name: str) -> Any:
        if name in _PACKAGES:
            return importlib.import_module(name)
        for package in _PACKAGES:
            try:
                return getattr(importlib.import_module(package), name)
            except AttributeError:
                continue
        raise KeyError(name)


_names = _Names()


def run_command(command: Command) -> Response:
    """Run one command in this process; what it raises comes back in the response."""
    try:
        if callable(command.command):
            ret = command.command(**(command.parameters or {}))
        else:
            _names.update(command.parameters or {})
            ret = _evaluate(command.command)
        pickle.dumps(ret)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a command is the client's program: also its SystemExit is an answer
        known = error if isinstance(error, CasaError) else None
        return Response(command.id, False, traceback=traceback.format_exc(), error=known)
    return Response(command.id, True, ret)


def _evaluate(text: str) -> Any:
    """The value of an expression; None for statements."""
    try:
        code = compile(text, "<command>", "eval")
    except SyntaxError:
        exec(compile(text, "<command>", "exec"), {}, _names)
        return None
    return eval(code, {}, _names)


class MPICommandServer:
    """Serves the client of this rank's own world until it says that the work is over."""

    def __init__(self) -> None:
        self._running = False

    def start_services(self) -> bool:
        """True on a server rank, where `serve` may be called."""
        return MPIEnvironment.is_mpi_enabled and not MPIEnvironment.is_mpi_client

    def signal_stop_service_request(self) -> None:
        """Leave the loop after the command in hand."""
        self._running = False

    def omp_set_num_threads(self, num: int) -> None:
        """Threads that computations on this rank use."""
        set_thread_count(num)

    def serve(self) -> None:
        """Take and answer commands; only the client rank of this world is listened to."""
        comm, client = services.channel(), MPIEnvironment.mpi_client_rank
        heart = services.Heart(comm) if MPIEnvironment.is_mpi_thread_safe else None
        if heart:
            heart.start()
        self._running = True
        log.post("Server ready", "DEBUG1")
        nap_s = 0.0
        try:
            while self._running:
                # Probing with naps: a blocking receive of MPI would keep a core busy that the client's work can use.
                if not comm.iprobe(source=client, tag=services.TAG_COMMAND):
                    time.sleep(nap_s)
                    nap_s = min(nap_s + 0.0002, 0.01)
                    continue
                nap_s = 0.0
                command = comm.recv(source=client, tag=services.TAG_COMMAND)
                if command is None:
                    break
                comm.send(run_command(command), dest=client, tag=services.TAG_RESPONSE)
        finally:
            if heart:
                heart.end.set()
                heart.join()
