"""The HISTORY sub-table of a MeasurementSet."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from casatools.io.tables import is_table, open_table, subtable_path

__all__ = ["append_history"]

# Modified Julian Date of the Unix epoch, in seconds.
_UNIX_EPOCH_MJD_S = 40587.0 * 86400.0


def append_history(path: str, origin: str, messages: Sequence[str], application: str = "casatasks", command: str = "") -> None:
    """Append one row a message to the HISTORY sub-table of the MeasurementSet at `path`; each with the command that it belongs to."""
    folder = subtable_path(path, "HISTORY")
    if not messages or not is_table(folder):
        return
    table = open_table(folder, writable=True, what="HISTORY sub-table")
    try:
        start = table.nrows()
        count = len(messages)
        table.addrows(count)
        present = set(table.colnames())
        scalars: dict[str, object] = {
            "TIME": np.full(count, time.time() + _UNIX_EPOCH_MJD_S),
            "OBSERVATION_ID": np.full(count, -1, dtype=np.int32),
            "OBJECT_ID": np.zeros(count, dtype=np.int32),
            "MESSAGE": list(messages),
            "PRIORITY": ["INFO"] * count,
            "ORIGIN": [origin] * count,
            "APPLICATION": [application] * count,
        }
        for name, values in scalars.items():
            if name in present:
                table.putcol(name, values, start, count)
        for name, text in (("CLI_COMMAND", command), ("APP_PARAMS", "")):
            if name in present:
                for row in range(start, start + count):
                    table.putcell(name, row, [text])
    finally:
        table.close()
