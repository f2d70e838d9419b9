"""Room kept for what casacore writes when it closes a table: it ends the process where the disk is full then."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from casatools._base.errors import DataError
from casatools.io.image.plain_file import reserve_file

__all__ = ["ROW_BYTES", "SpareSpace", "told_by_casacore"]

# What columns without a channel axis take of a row on disk at most, which casacore may still hold when it closes the table.
ROW_BYTES = 100.0


class SpareSpace:
    """A file beside a table that is being made, which takes up the space that will be needed at the end.

    Parameters
    ----------
    path : str
        The table, a staged name.
    nbytes : float
        Nothing is kept where it is 0.

    Notes
    -----
    A context manager, which gives the space up at its end.

    Raises
    ------
    OSError
        The disk is full already.
    """

    def __init__(self, path: str, nbytes: float) -> None:
        self._path = f"{path}.spare"
        if nbytes <= 0:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                reserve_file(descriptor, int(nbytes))
            finally:
                os.close(descriptor)
        except BaseException:
            self.give_up()
            raise

    def __enter__(self) -> SpareSpace:
        return self

    def __exit__(self, *details: object) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Make room, just before the table is closed."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._path)


@contextlib.contextmanager
def told_by_casacore(sentence: str) -> Iterator[None]:
    """Make typed errors of those of casacore: an OSError where the disk is full, else a DataError that begins with a sentence."""
    try:
        yield
    except RuntimeError as error:
        text = " ".join(str(error).split())
        # What casacore could write a part of only, it tells without a reason or with that of another call.
        if os.strerror(errno.ENOSPC) in text or "write error" in text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise DataError(f"{sentence}: {text}") from error
