"""The parts of a multi-MS; see `casatools.io.ms.multi_ms`."""

from __future__ import annotations

import os
from contextlib import closing

from casatools.io.tables import is_table, open_table

__all__ = ["FOLDER", "is_multi_ms", "part_paths"]

FOLDER = "SUBMSS"


def is_multi_ms(path: str) -> bool:
    """True when a multi-MS is at `path`."""
    return os.path.isdir(os.path.join(path, FOLDER)) and is_table(path)


def part_paths(path: str) -> list[str]:
    """The parts of a multi-MS in the order of their rows; the MeasurementSet itself where it is a plain one."""
    path = path.rstrip("/")
    if not is_multi_ms(path):
        return [path]
    with closing(open_table(path, what="multi-MS")) as table:
        names = [os.path.basename(str(name).rstrip("/")) for name in table.partnames()]
    return [os.path.join(path, FOLDER, name) for name in names]
