"""CASA's tasks in light Python.

Tasks are imported when first asked for: ``from casatasks import gaincal``; ``help(casatasks.gaincal)`` tells about one.
"""

from __future__ import annotations

import importlib
from typing import Any

from casatasks._index import REFERENCE as _REFERENCE
from casatasks._index import TASKS as _TASKS
from casatools._base import config as _config
from casatools._base.threads import under_launcher as _under_launcher
from casatools._base.version import version, version_string

__all__ = ["casalog", "version", "version_string", *_TASKS]

_config.load()


def __getattr__(name: str) -> Any:
    if name in _TASKS:
        found = getattr(importlib.import_module(f"casatasks.{_TASKS[name]}.{name}"), name)
    elif name == "casalog":
        from casatools import logsink

        found = logsink()
    elif name in _REFERENCE:
        raise AttributeError(f"casatasks.{name} is a task of CASA that this version does not have yet")
    else:
        raise AttributeError(f"module 'casatasks' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


def _join_ranks() -> None:
    """Under an MPI launcher rank 0 goes on and the other ranks serve it until it ends; without casampi nothing happens."""
    try:
        services = importlib.import_module("casampi.services")
    except ModuleNotFoundError as error:
        if error.name != "casampi":
            raise
    else:
        services.start()


if _under_launcher():
    _join_ranks()
