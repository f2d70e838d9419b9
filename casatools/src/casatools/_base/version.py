"""The version of the suite, and the level of CASA's interface that it follows."""

from __future__ import annotations

__all__ = ["INTERFACE", "VERSION", "version", "version_string"]

VERSION = "0.1.0"
# The CASA release whose public interface is followed; scripts compare against it.
INTERFACE = (6, 7, 0, 31)


def version() -> list[int]:
    """The CASA interface level as ``[major, minor, patch, build]``."""
    return list(INTERFACE)


def version_string() -> str:
    """The CASA interface level and the suite's own version, as one string."""
    return ".".join(str(n) for n in INTERFACE)
