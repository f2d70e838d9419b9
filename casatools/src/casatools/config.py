"""``python -m casatools.config`` prints every configuration option, its value and where the value came from.

The options are attributes too: ``casatools.config.logfile``; `get_config`, `load_success` and `load_failure` are as in casaconfig.
"""

from __future__ import annotations

import sys
from typing import Any

from casatools._base import config
from casatools._base.config import get_config, load_failure, load_success

__all__ = ["get_config", "listing", "load_failure", "load_success"]


def __getattr__(name: str) -> Any:
    if name in config.DEFAULTS:
        return config.value(name)
    raise AttributeError(f"there is no configuration option {name!r}; python -m casatools.config lists them")


def listing() -> str:
    """One line an option: name, value, origin."""
    return "".join(f"{name:<28} {config.value(name)!r:<40} {config.source(name)}\n" for name in sorted(config.DEFAULTS))


if __name__ == "__main__":
    sys.stdout.write(listing())
