"""``python -m casatools.config`` prints every configuration option, its value and where the value came from."""

from __future__ import annotations

import sys

from casatools._base import config

__all__ = ["listing"]


def listing() -> str:
    """One line an option: name, value, origin."""
    return "".join(f"{name:<28} {config.value(name)!r:<40} {config.source(name)}\n" for name in sorted(config.DEFAULTS))


if __name__ == "__main__":
    sys.stdout.write(listing())
