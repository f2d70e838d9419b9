"""The task decorator: binds parameters, logs begin and end, writes HISTORY."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

from casatools._base import config, log
from casatools._base.declare import Declaration, documented, plain_signature

__all__ = ["task"]

F = TypeVar("F", bound=Callable[..., Any])


def task(
    *,
    group: str,
    history: tuple[str | Callable[[dict[str, Any]], str], ...] = (),
    changes: Callable[[dict[str, Any]], bool] = lambda _: True,
    pictures: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Declare a task function; its signature, with kinds in the annotations, is the specification.

    Parameters
    ----------
    group : str
        The sub-package it stands in.
    history : tuple of str or callable
        Parameters that name MeasurementSets or images whose history records the call once it has ended well, or what finds the name from the
        arguments.
    changes : callable
        Tells from the arguments whether a call changes them; one that only looks leaves no history.
    pictures : tuple of str
        Parameters that name images it makes; a quick look of each is drawn when the option ``quicklook`` is set.
    """

    def decorate(function: F) -> F:
        name = function.__name__
        declaration = Declaration(function, name)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = declaration.bind(args, kwargs)
            arguments = {
                p.name: bound[p.name] for p in declaration.parameters
            }  # logs and histories have the order of the signature
            with log.origin(name):
                started = _begin(name, arguments)
                success = False
                try:
                    result = function(**arguments)
                    if history and changes(arguments):
                        _record(name, history, arguments)
                    if pictures and config.value("quicklook"):
                        _draw([arguments[p] for p in pictures], started)
                    success = True
                except KeyboardInterrupt:
                    log.post(f"Task {name} was interrupted", "WARN")
                    raise
                except Exception as error:
                    text = f"Task {name} raised an exception of class {type(error).__name__} with the following message: {error}"
                    log.post(text, "SEVERE")
                    if config.value("crashreporter_enabled"):
                        _report_crash(name, error)
                    raise
                finally:
                    _end(name, started)
                    if config.value("telemetry_enabled"):
                        _count(name, started, success)
            return result

        call.__declaration__ = declaration  # type: ignore[attr-defined]
        call.__signature__ = plain_signature(function)  # type: ignore[attr-defined]
        call.__task_group__ = group  # type: ignore[attr-defined]
        call.__doc__ = documented(declaration)
        return call  # type: ignore[return-value]

    return decorate


def _call_text(name: str, arguments: dict[str, Any]) -> str:
    shown = []
    for key, value in arguments.items():
        text = repr(value)
        shown.append(f"{key}={text if len(text) <= 400 else text[:397] + '...'}")
    return f"{name}( {', '.join(shown)} )"


def _history_text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _report_crash(name: str, error: Exception) -> None:
    from casatools._base.crash_report import report_exception

    report_exception(error, f"task {name}")


def _draw(names: list[str], started: float) -> None:
    from casatools.plotting.task_pictures import draw_made_images

    draw_made_images(names, started)


def _count(name: str, started: float, success: bool) -> None:
    from casatools._base.telemetry import record_task

    record_task(name, started, time.time(), success)


def _begin(name: str, arguments: dict[str, Any]) -> float:
    log.post("#" * 42)
    log.post(f"##### Begin Task: {name:<18} #####")
    log.post(_call_text(name, arguments))
    if config.value("crashreporter_enabled"):
        from casatools._base.crash_report import watch_for_signals

        descriptor = watch_for_signals()
        if descriptor is not None:
            from casatools.native_stack import add_native_stack

            add_native_stack(descriptor)
    return time.time()


def _end(name: str, started: float) -> None:
    stamps = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t)) for t in (started, time.time())]
    log.post(f"Task {name} complete. Start time: {stamps[0]} End time: {stamps[1]}")
    log.post(f"##### End Task: {name:<18}   #####")
    log.post("#" * 42)


def _record(name: str, parameters: tuple[str | Callable[[dict[str, Any]], str], ...], arguments: dict[str, Any]) -> None:
    from casatools._base.version import version_string
    from casatools.tools._history import record_task

    # The lines that CASA writes: scripts look for a task's version and parameters in them.
    lines = [f"taskname={name}", f"version: casatasks {version_string()}"]
    lines += [f"{key:<11} = {_history_text(value)}" for key, value in arguments.items()]
    for parameter in parameters:
        value = arguments[parameter] if isinstance(parameter, str) else parameter(arguments)
        for path in [value] if isinstance(value, str) else value:
            if path:
                record_task(path, name, lines)
