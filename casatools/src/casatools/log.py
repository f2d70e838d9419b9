"""The suite's log and Python's ``logging``, either way.

Examples
--------
>>> import casatools.log
>>> casatools.log.from_python("astropy")  # messages of that logger go to the CASA log  # doctest: +SKIP
>>> casatools.log.to_python()  # messages of the CASA log go to logging.getLogger("casa")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
import threading

from casatools._base import log

__all__ = ["CasaHandler", "from_python", "to_python"]

_LEVELS = {
    "SEVERE": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO, "DEBUG1": logging.DEBUG, "DEBUG2": logging.DEBUG - 1,
    "DEBUGGING": logging.DEBUG - 2, **{f"INFO{n}": logging.INFO - n for n in range(1, 6)},
}  # fmt: skip
# True while a message is on its way from one side to the other: it must not come back.
_passing = threading.local()


class CasaHandler(logging.Handler):
    """A handler of Python's ``logging`` that writes to the CASA log, with the logger's name as origin."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if getattr(_passing, "on", False):
            return
        _passing.on = True
        try:
            log.sink.post(self.format(record), _priority(record.levelno), record.name, exact=True)
        finally:
            _passing.on = False


def _priority(level: int) -> str:
    if level >= logging.ERROR:
        return "SEVERE"
    if level >= logging.WARNING:
        return "WARN"
    return "INFO" if level >= logging.INFO else "DEBUG1"


def from_python(logger: str = "", level: int = logging.INFO) -> CasaHandler:
    """Send what a logger of Python's ``logging`` says to the CASA log; gives the handler, for ``removeHandler``.

    Parameters
    ----------
    logger : str
        Its name; "" is the root logger, of which all others are children.
    level : int
        Least level that is passed on.
    """
    target = logging.getLogger(logger)
    for there in target.handlers:
        if isinstance(there, CasaHandler):
            there.setLevel(level)
            return there
    handler = CasaHandler(level)
    target.addHandler(handler)
    if target.getEffectiveLevel() > level:
        target.setLevel(level)
    return handler


def to_python(logger: str = "casa") -> None:
    """Send every message of the CASA log to a logger of Python's ``logging`` too; the origin is ``record.casa_origin``."""
    target = logging.getLogger(logger)

    def listener(priority: str, origin: str, message: str) -> None:
        if getattr(_passing, "on", False):
            return
        _passing.on = True
        try:
            target.log(_LEVELS[priority], "%s", message, extra={"casa_origin": origin})
        finally:
            _passing.on = False

    log.sink.listeners[logger] = listener
