"""The memory that Linux still allows to this process' control group: the limit of a container or of a Slurm job.

References
----------
Linux kernel documentation, admin-guide/cgroup-v2 ("Memory Interface Files") and cgroup-v1/memory.
"""

from __future__ import annotations

import os

__all__ = ["remaining_bytes"]

# Limits, use, and what of the use is file cache that the kernel gives back: of the second and the first version.
_FILES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def remaining_bytes(listing: str = "/proc/self/cgroup", mounted: str = "/sys/fs/cgroup") -> int | None:
    """Bytes left below the tightest limit of the group and of those around it; None where there is no limit."""
    left: list[int] = []
    for line in _text(listing).splitlines():
        kinds, _, path = line.partition(":")[2].partition(":")
        version = 2 if not kinds else 1 if "memory" in kinds.split(",") else 0
        if not version:
            continue
        top = mounted if version == 2 else os.path.join(mounted, "memory")
        folder = os.path.normpath(top + path)
        # In a container the path may be that of the host: what is mounted is the container's own group then.
        while folder.startswith(top):
            limit, used, cache = _FILES[version]
            most, now = (_text(os.path.join(folder, name)).strip() for name in (limit, used))
            if most.isdigit() and now.isdigit():
                left.append(max(0, int(most) - int(now) + _cached(os.path.join(folder, "memory.stat"), cache)))
            folder = os.path.dirname(folder)
    return min(left, default=None)


def _cached(path: str, name: str) -> int:
    return next((int(line.split()[1]) for line in _text(path).splitlines() if line.startswith(name + " ")), 0)


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read()
    except OSError:  # no such group, or not Linux
        return ""
