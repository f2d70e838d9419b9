"""The executor that casatasks finds by the entry point ``casatools.executors``: pieces of work over the ranks of the job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from casampi.MPICommandClient import _queue, _require_sendable
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base.errors import ParameterError, WorkerError

__all__ = ["MPIExecutor", "offered"]

A = TypeVar("A")
B = TypeVar("B")


def _apply(function: Callable[[Any], Any], item: Any, folder: str) -> Any:
    """Run a piece of work in the folder the client is in: scripts change it, and their paths are relative to it."""
    own = os.getcwd()
    if folder == own or not os.path.isdir(folder):  # on a host without it absolute paths do still
        return function(item)
    os.chdir(folder)
    try:
        return function(item)
    finally:
        os.chdir(own)


class MPIExecutor:
    """Runs a module-level function over items on the servers; the client takes an item too when all of them are busy."""

    @property
    def workers(self) -> int:
        return len(_queue.live_servers()) + 1

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """Results in the order of the items.

        Raises
        ------
        CasaError
            What `function` raised on a server, with a WorkerError as its cause; no item is begun after a failure.
        WorkerError
            Any other failure on a server, with its traceback; or a server that fell silent.
        """
        return list(self._run(function, items, None))

    def stream(self, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """As `map`, one result after the other; at most two a worker wait in memory."""
        return self._run(function, items, 2 * self.workers)

    def _run(self, function: Callable[[A], B], items: Iterable[A], window: int | None) -> Iterator[B]:
        _require_sendable(function)
        todo = enumerate(items)
        results: dict[int, Any] = {}
        sent: dict[int, int] = {}  # request id -> index
        next_out = taken = 0
        more = True
        try:
            while more or next_out < taken:
                _queue.poll()
                _raise_failures(sent)
                _collect(sent, results)
                if next_out in results:
                    yield results.pop(next_out)
                    next_out += 1
                elif more and (window is None or taken - next_out < window):
                    entry = next(todo, None)
                    if entry is None:
                        more = False
                    else:
                        taken += 1
                        self._begin(function, entry, sent, results)
                else:
                    _queue.wait_for_one(list(sent))
        finally:
            _queue.wait(list(sent))
            _collect(sent, {})

    @staticmethod
    def _begin(function: Callable[[A], B], entry: tuple[int, A], sent: dict[int, int], results: dict[int, Any]) -> None:
        """Send an item to an idle server, or do it here when all are busy."""
        index, item = entry
        if len(_queue.busy) < len(_queue.live_servers()):
            sent[_queue.add(_apply, None, {"function": function, "item": item, "folder": os.getcwd()})] = index
        else:
            results[index] = function(item)

    def each(self, function: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """Item k to worker k, 0 being this process; errors as for `map`."""
        _require_sendable(function)
        servers = _queue.live_servers()
        if len(items) > len(servers) + 1:
            raise ParameterError(f"there are {len(servers) + 1} workers for {len(items)} items")
        results: dict[int, Any] = {}
        sent = {}
        for k, item in enumerate(items[1:]):
            sent[_queue.add(_apply, servers[k], {"function": function, "item": item, "folder": os.getcwd()})] = k + 1
        try:
            for item in items[:1]:
                results[0] = function(item)
        finally:
            _queue.wait(list(sent))
        _raise_failures(sent)
        _collect(sent, results)
        return [results[k] for k in range(len(items))]


def _collect(sent: dict[int, int], results: dict[int, Any]) -> None:
    """Take the answers there are; neither they nor what was sent is kept for the life of the job."""
    for number in [n for n in sent if n in _queue.answers]:
        results[sent.pop(number)] = _queue.answers.pop(number).ret
        _queue.requests[number].update(ret=None, parameters=None)


def _raise_failures(sent: dict[int, int]) -> None:
    for number in sent:
        answer = _queue.answers.get(number)
        if answer is not None and not answer.successful:
            worker = WorkerError(f"MPI server {_queue.requests[number]['server']} failed:\n{answer.traceback}")
            if answer.error is not None:
                raise answer.error from worker
            raise worker


def offered() -> MPIExecutor | None:
    """The executor of this process: one on the client of an MPI job, else None."""
    return MPIExecutor() if MPIEnvironment.is_mpi_enabled and MPIEnvironment.is_mpi_client else None
