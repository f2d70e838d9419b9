"""How much memory a streaming stage may hold."""

from __future__ import annotations

import os

from casatools._base import casarc
from casatools._base.errors import ParameterError
from casatools._base.threads import ranks_on_host

__all__ = ["CHUNK_BYTES", "available_bytes", "limited_bytes", "memory_budget_bytes", "require_memory"]

# One chunk of visibilities: large enough to amortise table calls, small enough to stay in cache-friendly bounds.
CHUNK_BYTES = 64 * 1024 * 1024


def available_bytes() -> int:
    """Physical memory free for new work, from the operating system."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            for line in stream:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux: fall through to the portable figure
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_budget_bytes() -> int:
    """Bytes this process may plan with: half of what is available, shared between the ranks on the host.

    ``system.resources.memory`` or ``memfrac`` in ``~/.casarc`` set another amount.
    """
    there = available_bytes()
    planned = min(there, limited_bytes() or there // 2)
    return max(256 * 1024 * 1024, planned // ranks_on_host())


def limited_bytes() -> int:
    """The memory that ``~/.casarc`` allows; 0 when it says nothing."""
    if casarc.limit("memory"):
        return int(casarc.limit("memory") * 1024 * 1024)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(total * min(casarc.limit("memfrac"), 100.0) / 100.0)


def require_memory(nbytes: float, what: str) -> None:
    """Raise ParameterError when work that cannot be streamed needs more memory than there is.

    Parameters
    ----------
    nbytes : float
        What is needed at least.
    what : str
        What it is for, and by which parameters it became so large.
    """
    there = available_bytes() / ranks_on_host()
    if nbytes > there:
        raise ParameterError(f"{what} needs {nbytes / 1e9:.1f} GB of memory; {there / 1e9:.1f} GB are available")
