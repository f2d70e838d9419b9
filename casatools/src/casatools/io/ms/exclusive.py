"""One writer of a MeasurementSet's flags at a time, over processes and threads."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from casatools._base import log

__all__ = ["exclusive_access"]


@contextlib.contextmanager
def exclusive_access(path: str) -> Iterator[None]:
    """Hold a MeasurementSet for reading, changing and writing back; others that ask the same wait.

    Parameters
    ----------
    path : str
        Folder of an existing MeasurementSet.

    Notes
    -----
    casacore locks single reads and writes, which keeps a table readable but lets two programs overwrite one another's changes. This is
    an advisory lock of the folder (flock): it ends with the process, however that ends, and leaves no file behind. Where the file
    system has no locks, a warning is logged and the work goes on.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.post(f"Waiting for another program that changes {path}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            log.post(f"{path} cannot be locked ({error}): do not change it from elsewhere meanwhile", "WARN")
        yield
    finally:
        os.close(descriptor)
