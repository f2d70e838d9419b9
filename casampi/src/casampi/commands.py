"""Commands and their answers, and how a process runs one."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from casampi import packing
from casatools._base.errors import CasaError

__all__ = ["Command", "Response", "packed_answer", "run_command"]


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
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a command is the client's program: also its SystemExit is an answer
        return _failed(command.id, error)
    return Response(command.id, True, ret)


def packed_answer(number: int, data: bytearray | memoryview) -> packing.Parts:
    """Run a command that came packed; the parts of the answer. A command or a result that cannot travel is an answer too."""
    try:
        command = packing.unpack(data, copy=True)
    except Exception as error:  # noqa: BLE001 - a module that this host lacks, or whatever its import raises
        return packing.pack(_failed(number, error))
    answer = run_command(command)
    try:
        return packing.pack(answer)
    except Exception as error:  # noqa: BLE001 - pickling runs the result's own code
        return packing.pack(_failed(number, error, with_error=False))


def _failed(number: int, error: BaseException, *, with_error: bool = True) -> Response:
    known = error if with_error and isinstance(error, CasaError) else None
    return Response(number, False, traceback="".join(traceback.format_exception(error)), error=known)


def _evaluate(text: str) -> Any:
    """The value of an expression; None for statements."""
    try:
        code = compile(text, "<command>", "eval")
    except SyntaxError:
        exec(compile(text, "<command>", "exec"), {}, _names)
        return None
    return eval(code, {}, _names)
