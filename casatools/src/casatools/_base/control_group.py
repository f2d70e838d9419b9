"""What Linux allows to this process' control group, memory and cores: the limits of a container or of a Slurm job.

References
----------
Linux kernel documentation, admin-guide/cgroup-v2 ("Memory Interface Files", "CPU Interface Files"), cgroup-v1/memory, scheduler/sched-bwc.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

__all__ = ["allowed_cores", "remaining_bytes"]

# Limits, use, and what of the use is file cache that the kernel gives back: of the second and the first version.
_FILES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def remaining_bytes(listing: str = "/proc/self/cgroup", mounted: str = "/sys/fs/cgroup") -> int | None:
    """Bytes left below the tightest limit of the group and of those around it; None where there is no limit."""
    left: list[int] = []
    for version, folder in _folders("memory", listing, mounted):
        limit, used, cache = _FILES[version]
        most, now = (_text(os.path.join(folder, name)).strip() for name in (limit, used))
        if most.isdigit() and now.isdigit():
            left.append(max(0, int(most) - int(now) + _cached(os.path.join(folder, "memory.stat"), cache)))
    return min(left, default=None)


def allowed_cores(listing: str = "/proc/self/cgroup", mounted: str = "/sys/fs/cgroup") -> int | None:
    """Cores worth of time that the group may use (``docker run --cpus 2.5`` gives 3); None where there is no limit."""
    allowed: list[int] = []
    for version, folder in _folders("cpu", listing, mounted):
        if version == 2:
            words = _text(os.path.join(folder, "cpu.max")).split()
        else:
            words = [_text(os.path.join(folder, f"cpu.cfs_{name}_us")).strip() for name in ("quota", "period")]
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):
            allowed.append(max(1, math.ceil(int(words[0]) / int(words[1]))))
    return min(allowed, default=None)


def _folders(kind: str, listing: str, mounted: str) -> Iterator[tuple[int, str]]:
    """Version and folder of the group and of those around it; in a container the path may be the host's, and its own group is at the top."""
    for line in _text(listing).splitlines():
        kinds, _, path = line.partition(":")[2].partition(":")
        version = 2 if not kinds else 1 if kind in kinds.split(",") else 0
        if not version:
            continue
        top = mounted if version == 2 else os.path.join(mounted, kind)
        folder = os.path.normpath(top + path)
        while folder.startswith(top):
            yield version, folder
            folder = os.path.dirname(folder)


def _cached(path: str, name: str) -> int:
    return next((int(line.split()[1]) for line in _text(path).splitlines() if line.startswith(name + " ")), 0)


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read()
    except OSError:  # no such group, or not Linux
        return ""
