"""History of calls of the image tool: what was called, with which parameters, in the images that it wrote."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from casatools._base.declare import method
from casatools.tools._history import record_task
from casatools.tools.image.session import SessionMethods

__all__ = ["call_text", "recorded"]

F = TypeVar("F", bound=Callable[..., Any])

# Longer lists are pixels rather than choices; CASA writes such lists as [...] too.
_MOST_VALUES = 64


def recorded(
    *outputs: str | Callable[[dict[str, Any]], list[str]], looks: Callable[[dict[str, Any]], bool] = lambda _: False
) -> Callable[[F], F]:
    """Declare a tool method, as `method` does, that tells its call in the history of the images it writes.

    Parameters
    ----------
    *outputs : str or callable
        Parameters that name images it makes, or what finds the names from the arguments. An image that it returns as a tool is one too; the open image is meant where there is neither.
    looks : callable
        Tells from the arguments whether a call only looks, which leaves no history.

    Notes
    -----
    A call made by another such call is not told: the outer one says what was done.
    """

    def decorate(function: F) -> F:
        declared = method(function)
        declaration = declared.__declaration__  # type: ignore[attr-defined]

        @functools.wraps(declared)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if SessionMethods.recording:
                return declared(self, *args, **kwargs)
            SessionMethods.recording = True
            try:
                result = declared(self, *args, **kwargs)
            finally:
                SessionMethods.recording = False
            names = [p.name for p in declaration.parameters]
            given = {p.name: p.default for p in declaration.parameters} | dict(zip(names, args, strict=False)) | kwargs
            if self._tells_history and not looks(given):
                lines = [f"Ran ia.{function.__name__}", call_text(function.__name__, given)]
                made = [name for o in outputs for name in ([given[o]] if isinstance(o, str) else o(given))]
                for path in _written(self, result, made):
                    record_task(path, lines[0][4:], lines)
            return result

        return call  # type: ignore[return-value]

    return decorate


def _written(tool: SessionMethods, result: Any, named: list[Any]) -> list[str]:
    """The images that a call has written."""
    paths = [os.fspath(name) for name in named if name]
    if isinstance(result, SessionMethods) and result.isopen():
        paths.append(result.name())
    if not paths and tool.isopen():
        paths.append(tool.name())
    return list(dict.fromkeys(os.path.abspath(path) for path in paths))


def call_text(name: str, arguments: dict[str, Any]) -> str:
    """A call as CASA's image tool writes it, with all digits of its numbers."""
    return f"ia.{name}({', '.join(f'{key}={_value_text(value)}' for key, value in arguments.items())})"


def _value_text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if value is None or isinstance(value, (str, os.PathLike)):
        return f'"{value or ""}"'
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, (list, tuple, np.ndarray)):
        count = value.size if isinstance(value, np.ndarray) else len(value)
        if count > _MOST_VALUES:  # an image's pixels as Python numbers would be several times the image
            return "[...]"
        values = np.ravel(value).tolist() if isinstance(value, np.ndarray) else value
        return f"[{','.join(map(_value_text, values))}]"
    return repr(value.item() if isinstance(value, np.generic) else value)
