"""Records of task calls in their outputs: HISTORY rows of a MeasurementSet, lines of an image's log table."""

from __future__ import annotations

import os
from collections.abc import Sequence

from casatools._base import log
from casatools._base.errors import DataError

__all__ = ["record_task"]


def record_task(path: str, name: str, lines: Sequence[str]) -> None:
    """Append the lines of a task call to the history of what it wrote.

    Parameters
    ----------
    path : str
        A MeasurementSet or an image; anything else is left as it is.
    name : str
        Name of the task.
    lines : sequence of str
        The call, one line a row.

    Notes
    -----
    A history that cannot be written gives a warning in the log: the output itself is complete.
    """
    try:
        if os.path.isdir(os.path.join(path, "HISTORY")):
            from casatools.io.ms.history import append_history

            append_history(path, name, list(lines), "ms")
        elif os.path.isdir(os.path.join(path, "logtable")):
            from casatools.io.image.history import append_history as append_image_history

            append_image_history(path, list(lines), name)
    except (DataError, OSError) as error:
        log.post(f"the history of {path} was not written: {error}", "WARN", name)
