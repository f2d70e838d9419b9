"""A progress line on long work, only where a person is looking."""

from __future__ import annotations

import sys
import time
from types import TracebackType

__all__ = ["Progress"]


class Progress:
    """Shows ``what  42 % (time left 12 s)`` on a terminal; silent elsewhere.

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
        self._enabled = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._visible:
            sys.stderr.write("\r" + " " * 70 + "\r")
            sys.stderr.flush()

    def advance(self, units: float = 1.0) -> None:
        """Say that `units` more are done."""
        self.done += units
        now = time.monotonic()
        if not self._enabled or now - self._start < self.delay_s or now - self._shown < 0.2:
            return
        self._shown, self._visible = now, True
        part = min(self.done / self.total, 1.0)
        left = (now - self._start) * (1 - part) / max(part, 1e-9)
        sys.stderr.write(f"\r{self.what[:40]:<40} {100 * part:3.0f} % (time left {left:.0f} s) ")
        sys.stderr.flush()
