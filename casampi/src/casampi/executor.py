"""The executor that casatasks finds by the entry point ``casatools.executors``: pieces of work over the ranks of the job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from casampi.MPICommandClient import _queue, _require_sendable
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base.errors import WorkerError

__all__ = ["MPIExecutor", "offered"]

A = TypeVar("A")
B = TypeVar("B")


def _apply(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)


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
        _require_sendable(function)
        todo = list(items)
        results: dict[int, Any] = {}
        sent: dict[int, int] = {}  # request id -> index
        try:
            for index, item in enumerate(todo):
                _queue.poll()
                _raise_failures(sent)
                if len(_queue.busy) < len(_queue.live_servers()):
                    sent[_queue.add(_apply, None, {"function": function, "item": item})] = index
                else:
                    results[index] = function(item)
        finally:
            _queue.wait(list(sent))
        _raise_failures(sent)
        for number, index in sent.items():
            results[index] = _queue.answers.pop(number).ret
            _queue.requests[number]["ret"] = None  # not kept twice for the life of the job
        return [results[index] for index in range(len(todo))]


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
