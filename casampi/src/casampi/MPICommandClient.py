"""The client's side: commands are queued, sent to idle servers, and their answers collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from casampi import messages, packing, services
from casampi.commands import Command, Response, run_command
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base import log
from casatools._base.errors import ParameterError, WorkerError

__all__ = ["MPICommandClient", "ResponseEvent"]

HOLDING, SENT, RECEIVED, TIMEOUT = "holding queue", "request sent", "response received", "timeout"


class _Queue:
    """The requests of this process and the state of its servers; there is one, shared by all clients."""

    def __init__(self) -> None:
        self.requests: dict[int, dict[str, Any]] = {}
        self.answers: dict[int, Response] = {}
        self.busy: dict[int, int] = {}  # server -> request id
        self.heard: dict[int, float] = {}
        self.polled = 0.0
        self.waiting: list[int] = []

    def live_servers(self) -> list[int]:
        return [r for r in MPIEnvironment.mpi_server_rank_list() if r not in services.lost_servers]

    def add(self, command: str | Callable[..., Any], server: int | None, parameters: dict[str, Any] | None) -> int:
        number = len(self.requests) + 1
        self.requests[number] = {
            "id": number, "server": server, "command": command, "parameters": parameters, "status": HOLDING,
            "successful": False, "traceback": None, "ret": None,
        }  # fmt: skip
        self.waiting.append(number)
        self.poll()
        return number

    def poll(self) -> None:
        """Collect answers and heartbeats, give up servers that fell silent, send what can be sent."""
        if not MPIEnvironment.is_mpi_enabled:
            self._run_here()
            return
        comm = services.channel()
        self._listen(comm)
        live = self.live_servers()
        held = []
        for number in self.waiting:
            request = self.requests[number]
            wanted = live if request["server"] is None else [request["server"]]
            idle = [rank for rank in wanted if rank not in self.busy and rank in live]
            if idle:
                self._send(comm, number, idle[0])
            elif not any(rank in live for rank in wanted):
                self._fail(number, TIMEOUT, "the server does not answer")
            else:
                held.append(number)
        self.waiting = held

    def _listen(self, comm: Any) -> None:
        now = time.monotonic()
        if now - self.polled > MPIEnvironment.mpi_monitor_status_service_heartbeat:
            self.heard = dict.fromkeys(self.live_servers(), now)  # nobody listened meanwhile: the silence was ours
        self.polled = now
        for rank in self.live_servers():
            while comm.iprobe(source=rank, tag=messages.TAG_BEAT):
                messages.receive(comm, rank, messages.TAG_BEAT)
                self.heard[rank] = now
            while comm.iprobe(source=rank, tag=messages.TAG_ANSWER):
                self._hear(rank, *messages.receive(comm, rank, messages.TAG_ANSWER))
                self.heard[rank] = now
            silent_s = now - self.heard.setdefault(rank, now)
            if rank not in services.lost_servers and silent_s > _patience_s():
                self._lose(rank, f"the rank has been silent for {silent_s:.0f} s")

    def _hear(self, rank: int, head: messages.Head, data: bytearray | memoryview) -> None:
        try:
            answer = packing.unpack(data, copy=False)
        except Exception as error:  # noqa: BLE001 - a class that only the server has, or whatever its making raises
            answer = Response(head.id, False, traceback=f"the result cannot be read here: {type(error).__name__}: {error}")
        if head.lost:
            self._lose(rank, answer.traceback)
            return
        self._take(answer)
        self.busy.pop(rank, None)

    def _send(self, comm: Any, number: int, rank: int) -> None:
        """Give a server its command; one that does not take it within the heartbeat's timeout is given up."""
        request, began = self.requests[number], time.monotonic()
        self.busy[rank], self.heard[rank] = number, began
        request["server"], request["status"] = rank, SENT
        data = packing.pack(Command(number, request["command"], request["parameters"]))
        head = messages.Head(number, MPIEnvironment.mpi_command_timeout)
        if not messages.send(comm, head, data, rank, messages.TAG_COMMAND, lambda: time.monotonic() - began < _patience_s()):
            self._lose(rank, "the rank does not take its command")

    def _lose(self, rank: int, why: str) -> None:
        services.lost_servers[rank] = why
        log.post(f"MPI server {rank} is given up: {why}", "SEVERE")
        if rank in self.busy:
            self._fail(self.busy.pop(rank), TIMEOUT, f"server {rank} is given up: {why}")

    def _run_here(self) -> None:
        for number in self.waiting:
            request = self.requests[number]
            request["server"] = 0
            self._take(run_command(Command(number, request["command"], request["parameters"])))
        self.waiting = []

    def _take(self, answer: Response) -> None:
        self.answers[answer.id] = answer
        self.requests[answer.id].update(
            status=RECEIVED, successful=answer.successful, ret=answer.ret, traceback=answer.traceback or None
        )

    def _fail(self, number: int, status: str, why: str) -> None:
        self.answers[number] = Response(number, False, traceback=why)
        self.requests[number].update(status=status, successful=False, traceback=why)

    def open(self) -> list[int]:
        """Requests that wait or are under way."""
        return [*self.waiting, *self.busy.values()]

    def done(self, ids: Iterable[int]) -> bool:
        return all(number in self.answers for number in ids)

    def wait_for_one(self, ids: list[int]) -> None:
        """Come back when one of `ids` is answered or given up."""
        nap_s = 0.0
        self.poll()
        while ids and not any(number in self.answers for number in ids):
            time.sleep(nap_s)
            nap_s = min(nap_s + 0.0002, 0.005)
            self.poll()

    def wait(self, ids: list[int]) -> None:
        """Come back when all of `ids` are answered or given up."""
        nap_s = 0.0
        self.poll()
        while not self.done(ids):
            time.sleep(nap_s)
            nap_s = min(nap_s + 0.0002, 0.01)
            self.poll()


_queue = _Queue()


def wait_for_open_requests() -> None:
    """Come back when nothing waits and nothing is under way."""
    _queue.wait(_queue.open())


def _patience_s() -> float:
    """The silence after which a rank is given up: a little more than what it gives its own process, whose loss it tells."""
    return 1.5 * MPIEnvironment.mpi_monitor_status_service_timeout


class ResponseEvent:
    """Set once all of some requests are answered; nothing moves on between two questions to it."""

    def __init__(self, ids: list[int]) -> None:
        self._ids = ids

    def is_set(self) -> bool:
        """True when all are answered."""
        _queue.poll()
        return _queue.done(self._ids)

    def wait(self, timeout: float | None = None) -> bool:
        """Come back when all are answered, or after `timeout` seconds; True when they are."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(0.002)
        return True


def _log_of(logmode: str) -> dict[str, Any]:
    return {"path": log.sink.path, "own": logmode == "separated"}


def _use_log(path: str, own: bool) -> str:
    """Write this rank's messages into the client's log, or into one of its own beside it."""
    rank, host = MPIEnvironment.mpi_processor_rank, MPIEnvironment.hostname
    log.sink.set_path(f"{path}-server-{rank}-host-{host}-pid-{MPIEnvironment.mpi_pid}" if own else path)
    return log.sink.path


class MPICommandClient:
    """Sends commands to the servers. All instances share one queue; without MPI commands run at once in this process.

    Parameters
    ----------
    start_services : bool
        Kept for scripts; the service runs from the first client on.
    """

    def __init__(self, start_services: bool = False) -> None:
        services.start()

    def start_services(self) -> bool:
        """Begin the service; True when there are servers."""
        services.start()
        return MPIEnvironment.is_mpi_enabled

    def stop_services(self, force_command_request_interruption: bool = False) -> bool:
        """Wait for the open requests, or leave them with `force_command_request_interruption`, and stop the servers."""
        if force_command_request_interruption and _queue.busy:
            services.abort(1)
        services.stop()
        return True

    def push_command_request(
        self,
        command: str | Callable[..., Any],
        block: bool = False,
        target_server: int | list[int] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> list[Any]:
        """Queue a command for an idle server, or for each of `target_server`.

        Returns
        -------
        list
            Request ids; with `block` the responses of `get_command_response`.

        Raises
        ------
        ParameterError
            The command is no text and no module-level callable, or a server does not exist.
        """
        if not isinstance(command, str) and not callable(command):
            raise ParameterError(f"command must be a string or a callable; got {command!r}")
        if callable(command) and MPIEnvironment.is_mpi_enabled:
            _require_sendable(command)
        servers: list[int | None] = [None]
        if target_server is not None and MPIEnvironment.is_mpi_enabled:
            asked = [target_server] if isinstance(target_server, int) else list(target_server)
            known = MPIEnvironment.mpi_server_rank_list()
            if not asked or any(rank not in known for rank in asked):
                raise ParameterError(f"target_server must be one or more of {known}; got {target_server!r}")
            servers = [*asked]
        ids = [_queue.add(command, server, parameters) for server in servers]
        return self.get_command_response(ids, block=True) if block else ids

    def get_command_response(
        self, command_request_id_list: int | list[int], block: bool = False, verbose: bool = True
    ) -> list[dict[str, Any]]:
        """The answers there are, or all of them with `block`: dicts with id, server, command, parameters, successful,
        traceback, ret and status."""
        ids = [command_request_id_list] if isinstance(command_request_id_list, int) else list(command_request_id_list)
        for number in ids:
            if number not in _queue.requests:
                raise ParameterError(f"there is no command request {number!r}")
        if block:
            _queue.wait(ids)
        else:
            _queue.poll()
        done = [dict(_queue.requests[number]) for number in ids if number in _queue.answers]
        if verbose:
            for record in done:
                if not record["successful"]:
                    log.post(f"Command {record['id']} failed on server {record['server']}:\n{record['traceback']}", "SEVERE")
        return done

    def wait_for_command_request_sent(self, command_request_id_list: int | list[int]) -> None:
        """Come back when the requests are on their servers."""
        ids = [command_request_id_list] if isinstance(command_request_id_list, int) else list(command_request_id_list)
        while any(number in _queue.waiting for number in ids):
            _queue.poll()
            time.sleep(0.001)

    def get_command_response_event(self, command_request_id_list: int | list[int]) -> ResponseEvent:
        """An event that is set once the requests are answered: ``wait(timeout)``, ``is_set()``."""
        ids = [command_request_id_list] if isinstance(command_request_id_list, int) else list(command_request_id_list)
        for number in ids:
            if number not in _queue.requests:
                raise ParameterError(f"there is no command request {number!r}")
        return ResponseEvent(ids)

    def get_command_request_list(self) -> dict[int, dict[str, Any]]:
        """All requests by id."""
        _queue.poll()
        return {number: dict(request) for number, request in _queue.requests.items()}

    def get_command_response_list(self) -> dict[int, dict[str, Any]]:
        """All answered requests by id."""
        _queue.poll()
        return {number: dict(_queue.requests[number]) for number in _queue.answers}

    def get_server_status(self, server: int | None = None) -> dict[Any, Any]:
        """State of one server, or of all by rank: alive, and the id of the request in hand."""
        _queue.poll()
        state = {
            rank: {"rank": rank, "alive": rank not in services.lost_servers, "command_request_id": _queue.busy.get(rank)}
            for rank in MPIEnvironment.mpi_server_rank_list()
        }
        if server is None:
            return state
        if server not in state:
            raise ParameterError(f"server must be one of {list(state)}; got {server!r}")
        return state[server]

    def get_lifecyle_state(self) -> int:
        """1 while the servers run, 2 after their end, 0 without servers."""
        if not MPIEnvironment.is_mpi_enabled:
            return 0
        return 2 if services.stopped() else 1

    def set_log_level(self, log_level: str) -> None:
        """Let through messages of this priority and above on every rank."""
        level = log.PRIORITIES[log.priority_rank(log_level)]
        self._everywhere("casalog.filter(casampi_level)", {"casampi_level": level})

    def set_log_mode(self, logmode: str) -> None:
        """Where the servers' messages go: into the client's log ('unified', 'redirect') or each into its own ('separated').

        Raises
        ------
        ParameterError
            The mode is unknown.
        """
        if logmode not in ("unified", "separated", "redirect"):
            raise ParameterError(f"logmode must be unified, separated or redirect; got {logmode!r}")
        servers = MPIEnvironment.mpi_server_rank_list()
        for record in self.push_command_request(_use_log, True, servers, _log_of(logmode)) if servers else []:
            if not record["successful"]:
                raise WorkerError(f"server {record['server']} failed:\n{record['traceback']}")

    def setMemoryTotal(self, memory: int, target_server: int | list[int] | None = None) -> list[Any]:
        """Memory [MB] that computations on the servers plan with."""
        return self._on_servers("casalog.setMemoryTotal(casampi_value)", memory, target_server)

    def setMemoryFraction(self, memfrac: int, target_server: int | list[int] | None = None) -> list[Any]:
        """Memory that computations on the servers plan with, in per cent of the machine's."""
        return self._on_servers("casalog.setMemoryFraction(casampi_value)", memfrac, target_server)

    def setNumCPUs(self, cores: int, target_server: int | list[int] | None = None) -> list[Any]:
        """Cores that computations on the servers use."""
        return self._on_servers("casalog.setNumCPUs(casampi_value)", cores, target_server)

    def getMemoryTotal(self, use_aipsrc: bool = True, target_server: int | list[int] | None = None) -> list[Any]:
        """Memory [kB] of the servers, in the responses' ``ret``."""
        return self._on_servers("casalog.getMemoryTotal(casampi_value)", use_aipsrc, target_server)

    def getNumCPUs(self, use_aipsrc: bool = True, target_server: int | list[int] | None = None) -> list[Any]:
        """Cores of the servers, in the responses' ``ret``."""
        return self._on_servers("casalog.getNumCPUs(casampi_value)", use_aipsrc, target_server)

    def _on_servers(self, command: str, value: Any, target_server: int | list[int] | None) -> list[Any]:
        target = MPIEnvironment.mpi_server_rank_list() if target_server is None else target_server
        return self.push_command_request(command, True, target or None, {"casampi_value": value})

    def set_omp_num_threads(self, num_threads: int, target_server: int | list[int] | None = None) -> list[Any]:
        """Threads that computations on the servers use."""
        return self._on_servers("casalog.ompSetNumThreads(casampi_value)", num_threads, target_server)

    def _everywhere(self, command: str, parameters: dict[str, Any]) -> None:
        for record in self.push_command_request(command, True, MPIEnvironment.mpi_server_rank_list() or None, parameters):
            if not record["successful"]:
                raise WorkerError(f"server {record['server']} failed:\n{record['traceback']}")
        if MPIEnvironment.is_mpi_enabled:
            run_command(Command(0, command, parameters))


def _require_sendable(command: Callable[..., Any]) -> None:
    """A server imports a callable by its module's name, which the running script has only here."""
    module = getattr(command, "__module__", None)
    name = getattr(command, "__qualname__", "")
    if module in (None, "__main__") or "<" in name:
        raise ParameterError(f"a callable for a server must stand in an importable module; {name or command!r} does not")
