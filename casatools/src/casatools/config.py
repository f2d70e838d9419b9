"""``python -m casatools.config`` prints every configuration option, its value and where the value came from.

The options are attributes too: ``casatools.config.logfile``. Setting one, ``casatools.config.telemetry_enabled = True``, wins over files and environment
for this process. `get_config`, `load_success` and `load_failure` are as in casaconfig.
"""

from __future__ import annotations

import difflib
import sys
import types
from typing import Any

from casatools._base import config
from casatools._base.config import get_config, load_failure, load_success
from casatools._base.errors import ParameterError

__all__ = ["get_config", "listing", "load_failure", "load_success"]


def __getattr__(name: str) -> Any:
    if name in config.DEFAULTS:
        return config.value(name)
    raise AttributeError(f"there is no configuration option {name!r}; python -m casatools.config lists them")


def listing() -> str:
    """One line an option: name, value, origin."""
    return "".join(f"{name:<28} {config.value(name)!r:<40} {config.source(name)}\n" for name in sorted(config.DEFAULTS))


class _Options(types.ModuleType):
    """This module: setting an attribute sets an option."""

    def __setattr__(self, name: str, new: Any) -> None:
        if name in config.DEFAULTS:
            try:
                config.set_value(name, config.checked(name, new))
            except ValueError as error:
                raise ParameterError(f"configuration option {name} {error}") from None
        elif name.startswith("__"):
            super().__setattr__(name, new)
        else:
            near = difflib.get_close_matches(name, list(config.DEFAULTS), n=1)
            raise AttributeError(f"there is no configuration option {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


sys.modules[__name__].__class__ = _Options

if __name__ == "__main__":
    sys.stdout.write(listing())
