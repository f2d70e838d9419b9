"""The exceptions of the suite: one tree, each also the builtin that callers already catch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "CasaError",
    "DataError",
    "NotOpenError",
    "OutputExistsError",
    "ParameterError",
    "PathMissingError",
    "SelectionError",
    "UnsupportedError",
    "WorkerError",
    "naming",
]


class CasaError(Exception):
    """Base of every error raised on purpose by casatools, casatasks and casampi."""


class ParameterError(CasaError, ValueError, AssertionError):
    """A bad argument: wrong name, type or value; raised before any input or output.

    It is an AssertionError too because scripts written for CASA 6 catch that for refused task parameters.
    """


class NotOpenError(CasaError, RuntimeError):
    """A tool method was called that needs an open data set, and none is open."""


class PathMissingError(CasaError, RuntimeError, FileNotFoundError):
    """A path that must exist does not."""


class OutputExistsError(CasaError, RuntimeError, FileExistsError):
    """An output would replace something that exists and overwriting was not asked for."""


class SelectionError(CasaError, RuntimeError):
    """A selection expression cannot be read or matches nothing; says what would have matched."""


class DataError(CasaError, RuntimeError):
    """Data that can be read but not used: a missing column, ragged shapes, a table of another kind."""


class UnsupportedError(CasaError, NotImplementedError):
    """A documented feature that is not there yet; says what to use instead."""


class WorkerError(CasaError, RuntimeError):
    """A failure on another MPI rank, with that rank's traceback in its text."""


@contextmanager
def naming(task: str, parameter: str) -> Iterator[None]:
    """Put the names of a task and its parameter before what a ParameterError says of the value."""
    try:
        yield
    except ParameterError as error:
        raise ParameterError(f"{task}: parameter {parameter!r}: {error}") from error
