"""CASA's tools in light Python: MeasurementSets, images, calibration and imaging.

Tool classes are imported when first asked for: ``from casatools import table, ms, image``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from casatools._base import config as _config
from casatools._base import errors
from casatools._base.version import version, version_string

__all__ = ["ctsys", "errors", "version", "version_string"]

_config.load()

if TYPE_CHECKING:
    ctsys: Any


def __getattr__(name: str) -> Any:
    from casatools.tools._index import ALIASES, REFERENCE, TOOLS

    target = ALIASES.get(name, name)
    if target in TOOLS:
        module = importlib.import_module(f"casatools.tools.{TOOLS[target]}")
        found = getattr(module, target)
        globals()[name] = found
        return found
    if target in REFERENCE:
        raise AttributeError(f"casatools.{target} is a tool of CASA that this version does not have yet")
    raise AttributeError(f"module 'casatools' has no attribute {name!r}")


def __dir__() -> list[str]:
    from casatools.tools._index import TOOLS

    return sorted({*__all__, *TOOLS})
