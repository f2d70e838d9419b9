"""Where independent pieces of work run: in this process, or on MPI ranks when casampi has registered an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from casatools._base.errors import ParameterError

__all__ = ["Executor", "SerialExecutor", "executor", "register"]

A = TypeVar("A")
B = TypeVar("B")


class Executor(Protocol):
    """Runs a module-level function over items; results come back in the order of the items."""

    @property
    def workers(self) -> int: ...

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> list[B]: ...

    def stream(self, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """As `map`, one result after the other; only a few wait in memory."""
        ...

    def each(self, function: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """One item a worker; item k goes to the same worker each time, item 0 to this process."""
        ...


class SerialExecutor:
    """Runs everything here."""

    @property
    def workers(self) -> int:
        return 1

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
        return [function(item) for item in items]

    def stream(self, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        return map(function, items)

    def each(self, function: Callable[[A], B], items: Sequence[A]) -> list[B]:
        if len(items) > 1:
            raise ParameterError(f"there is one worker for {len(items)} items")
        return self.map(function, items)


_current: Executor | None = None


def register(new: Executor | None) -> None:
    """Make `new` the executor of this process; None goes back to the serial one."""
    global _current
    _current = new


def executor() -> Executor:
    """The executor in force: the one registered, else one offered by the entry point ``casatools.executors``, else serial."""
    global _current
    if _current is None:
        from importlib.metadata import entry_points

        for point in entry_points(group="casatools.executors"):
            offered = point.load()()
            if offered is not None:
                _current = offered
                break
        else:
            _current = SerialExecutor()
    return _current
