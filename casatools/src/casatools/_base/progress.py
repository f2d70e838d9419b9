"""A progress line on long work, only where a person is looking."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from casatools._base import log

__all__ = ["Progress", "duration", "in_notebook", "someone_looks"]

_BAR = 20


def someone_looks() -> bool:
    """True where standard error is a terminal or a notebook's cell, and this is not the server rank of an MPI job."""
    if sys.stderr is None or "MPIServer" in log.sink.processor:
        return False
    return sys.stderr.isatty() or in_notebook()


def in_notebook() -> bool:
    """True where what is written goes to the cell of a notebook."""
    kernel = sys.modules.get("ipykernel.iostream")
    return kernel is not None and isinstance(sys.stderr, kernel.OutStream)


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """Shows ``what  [########            ]  42 %, 12 s left`` in terminals and notebooks; silent elsewhere.

    Parameters
    ----------
    total : float
        Work units; `advance` says how many are done.
    what : str
        A few words on what is going on.
    delay_s : float
        Nothing is shown for work that ends before this many seconds.
    """

    def __init__(self, total: float, what: str, delay_s: float = 2.0) -> None:
        self.total, self.what, self.delay_s = max(float(total), 1e-300), what, delay_s
        self.done = 0.0
        self._start = self._shown = time.monotonic()
        self._visible = False
        self._enabled = someone_looks()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._visible:
            sys.stderr.write("\r" + " " * 79 + "\r")
            sys.stderr.flush()

    def advance(self, units: float = 1.0) -> None:
        """Say that `units` more are done."""
        self.done += units
        now = time.monotonic()
        if not self._enabled or now - self._start < self.delay_s or now - self._shown < 0.2:
            return
        self._shown, self._visible = now, True
        part = min(self.done / self.total, 1.0)
        left_s = (now - self._start) * (1 - part) / max(part, 1e-9)
        bar = "#" * round(_BAR * part)
        sys.stderr.write(f"\r{self.what[:28]:<28} [{bar:<{_BAR}}] {100 * part:3.0f} %, {duration(left_s)} left   ")
        sys.stderr.flush()
