"""The loop of a server rank: takes commands of the client one by one, has its worker process run them, and sends the answers."""

from __future__ import annotations

import os
import time
from typing import Any

from casampi import messages, packing, services
from casampi.commands import Command, Response, run_command
from casampi.MPIEnvironment import MPIEnvironment
from casampi.supervision import Worker
from casatools._base.threads import set_thread_count

__all__ = ["Command", "MPICommandServer", "Response", "run_command"]


class MPICommandServer:
    """Serves the client of this rank's own world until it says that the work is over."""

    def __init__(self) -> None:
        self._running = False
        self._beaten = 0.0

    def start_services(self) -> bool:
        """True on a server rank, where `serve` may be called."""
        return MPIEnvironment.is_mpi_enabled and not MPIEnvironment.is_mpi_client

    def signal_stop_service_request(self) -> None:
        """Leave the loop after the command in hand."""
        self._running = False

    def omp_set_num_threads(self, num: int) -> None:
        """Threads that computations of this process use."""
        set_thread_count(num)

    def serve(self) -> bool:
        """Take and answer commands; only the client rank of this world is listened to.

        Returns
        -------
        bool
            False when the worker process was lost.
        """
        comm, client = services.channel(), MPIEnvironment.mpi_client_rank
        worker = Worker()
        watched = _ClientWatch()
        self._running = True
        told = False  # the client knows that the worker is lost
        nap_s = 0.0
        while self._running or worker.command_id:
            worker.look(nap_s)
            # Probing with naps: a blocking receive of MPI would keep a core busy that the client's work can use.
            nap_s = min(nap_s + 0.0002, 0.01)
            if worker.aborts is not None:
                services.abort(worker.aborts)
            answer = worker.take_answer()
            if answer is not None:
                messages.send(comm, messages.Head(answer.number), packing.split(answer.data), client, messages.TAG_ANSWER)
                del answer
                worker.answered()
                nap_s = 0.0
            if worker.lost and not told:
                _tell_loss(comm, worker.command_id, worker.lost)
                worker.command_id, told = 0, True
            self._beat(comm, watched)
            if comm.iprobe(source=client, tag=messages.TAG_COMMAND):
                head, command = messages.receive(comm, client, messages.TAG_COMMAND, worker.room)
                nap_s = 0.0
                if head.id == messages.END:
                    self._running = False
                elif worker.lost:  # sent before the client knew
                    _tell_loss(comm, head.id, worker.lost)
                else:
                    worker.give(head.id, head.limit_s, command)
        well = worker.end()
        messages.send(comm, messages.Head(0, lost=not well), (), client, messages.TAG_BYE)
        return well

    def _beat(self, comm: Any, watched: _ClientWatch) -> None:
        now = time.monotonic()
        if now - self._beaten >= MPIEnvironment.mpi_monitor_status_service_heartbeat:
            self._beaten = now
            watched.look()
            messages.send(comm, messages.Head(0), (), MPIEnvironment.mpi_client_rank, messages.TAG_BEAT)


class _ClientWatch:
    """Ends the job when the client's process on this host is gone without a farewell, which some launchers take for a good end."""

    def __init__(self) -> None:
        self._pid = services.client_process() if self._there(services.client_process()) else 0

    @staticmethod
    def _there(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return pid > 0

    def look(self) -> None:
        if self._pid and not self._there(self._pid):
            services.abort(1)


def _tell_loss(comm: Any, number: int, why: str) -> None:
    answer = packing.pack(Response(number, False, traceback=why))
    messages.send(comm, messages.Head(number, lost=True), answer, MPIEnvironment.mpi_client_rank, messages.TAG_ANSWER)
