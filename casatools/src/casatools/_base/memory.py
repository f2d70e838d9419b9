"""How much memory a streaming stage may hold."""

from __future__ import annotations

import os

from casatools._base import casarc, control_group
from casatools._base.errors import ParameterError
from casatools._base.threads import ranks_on_host

__all__ = [
    "CHUNK_BYTES",
    "IMAGE_BLOCK_BYTES",
    "available_bytes",
    "chunk_bytes",
    "limited_bytes",
    "machine_bytes",
    "memory_budget_bytes",
    "require_memory",
    "set_memory",
]

# One chunk of visibilities: large enough to amortise table calls, small enough to stay in cache-friendly bounds.
CHUNK_BYTES = 64 * 1024 * 1024
# One block of an image: it and what is computed from it stay near the processor, and come from memory that earlier blocks left.
IMAGE_BLOCK_BYTES = 4 * 1024 * 1024
# What a process that images or calibrates holds before there are any data: interpreter, libraries, compiled kernels. Limits are meant for all of the process.
_BASE_BYTES = 200 * 1024 * 1024
# What is planned with at the least: without a limit, and with one that leaves less.
_LEAST_BYTES, _LEAST_LIMITED_BYTES = 256 * 1024 * 1024, 64 * 1024 * 1024
# What casalog.setMemoryTotal and setMemoryFraction ask for; 0 is nothing. An amount wins over a part of the machine's.
_chosen: dict[str, int] = {"kilobytes": 0, "percent": 0}


def machine_bytes() -> int:
    """Physical memory of the machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int:
    """Memory free for new work: of the machine, and of the container or the job that the process runs in."""
    left = control_group.remaining_bytes()
    found = machine_bytes() if left is None else left
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            for line in stream:
                if line.startswith("MemAvailable:"):
                    return min(found, int(line.split()[1]) * 1024)
    except OSError:
        pass  # not Linux: the portable figure
    return found


def set_memory(unit: str, amount: int) -> int:
    """Set the memory that computations plan with, in ``kilobytes`` or in ``percent`` of the machine's; gives what was set before."""
    previous, _chosen[unit] = _chosen[unit], amount
    return previous


def memory_budget_bytes() -> int:
    """Bytes this process may plan with: half of what is available, shared between the ranks on the host.

    ``casalog.setMemoryTotal``, ``setMemoryFraction``, or ``system.resources.memory`` and ``memfrac`` in ``~/.casarc`` set another amount, of which each
    rank's interpreter and libraries take 200 MB.
    """
    there, limit = available_bytes(), limited_bytes()
    if limit:
        return max(_LEAST_LIMITED_BYTES, min(there, limit) // ranks_on_host() - _BASE_BYTES)
    return max(_LEAST_BYTES, there // 2 // ranks_on_host())


def chunk_bytes() -> int:
    """Bytes of one chunk of a stream: `CHUNK_BYTES`, or a 16th of the memory that casalog or ``~/.casarc`` allow where that is less."""
    limit = limited_bytes()
    return min(CHUNK_BYTES, max(IMAGE_BLOCK_BYTES, limit // 16)) if limit else CHUNK_BYTES


def limited_bytes() -> int:
    """The memory that casalog or ``~/.casarc`` allow; 0 when they say nothing."""
    if _chosen["kilobytes"]:
        return _chosen["kilobytes"] * 1024
    if _chosen["percent"]:
        return machine_bytes() * _chosen["percent"] // 100
    if casarc.limit("memory"):
        return int(casarc.limit("memory") * 1024 * 1024)
    return int(machine_bytes() * min(casarc.limit("memfrac"), 100.0) / 100.0)


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
