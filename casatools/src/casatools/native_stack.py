"""Frames of compiled code in crash reports, which faulthandler writes from Python 3.14 on only.

A compiled handler in front of faulthandler's writes the stack by the C library's ``backtrace_symbols_fd`` and hands the signal on.

References
----------
GNU C Library manual, "Backtraces" (safe in a signal handler once the library has been used) and "Signal Actions".
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
from typing import Any

import numba
import numpy as np

__all__ = ["add_native_stack"]

_SIGNALS = (signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)
_FRAMES = 100
# More than any struct sigaction; on 64-bit Linux its first member is the address of the handler.
_ACTION_BYTES = 512
# What the handler uses must live as long as the process.
_kept: list[Any] = []


def add_native_stack(descriptor: int) -> bool:
    """Write the stack of compiled code to a file descriptor on a fatal signal, before the handlers in force run.

    Parameters
    ----------
    descriptor : int
        Of a file that stays open.

    Returns
    -------
    bool
        False where Python does it itself, or the C library cannot.
    """
    library = ctypes.CDLL(None)
    if sys.version_info >= (3, 14) or sys.platform != "linux" or not hasattr(library, "backtrace_symbols_fd"):
        return False
    address = ctypes.c_ssize_t  # pointers travel as numbers: numba's signatures know these
    backtrace, write, action = library.backtrace, library.backtrace_symbols_fd, library.sigaction
    put, send, number = library.write, library["raise"], ctypes.c_int
    backtrace.argtypes, backtrace.restype = [address, number], number
    write.argtypes, write.restype = [address, number, number], None
    action.argtypes, action.restype = [number, address, address], number
    put.argtypes, put.restype = [number, address, address], address
    send.argtypes, send.restype = [number], number
    title = np.frombuffer(b"Compiled code (most recent call first):\n", np.uint8)
    titled, length = int(title.ctypes.data), title.size
    frames, actions = np.zeros(_FRAMES, np.int64), np.zeros((64, _ACTION_BYTES), np.uint8)
    at, first = int(frames.ctypes.data), int(actions.ctypes.data)

    @numba.cfunc("void(int32)")  # type: ignore[untyped-decorator]
    def handler(number: Any) -> None:
        put(descriptor, titled, length)
        write(at, backtrace(at, _FRAMES), descriptor)
        action(number, first + number * _ACTION_BYTES, 0)
        send(number)

    backtrace(at, _FRAMES)  # loads what unwinding needs, which a handler must not
    _kept.extend([frames, actions, title, handler])
    for one in _SIGNALS:
        before = actions[one]
        with contextlib.suppress(ValueError):
            if action(one, 0, int(before.ctypes.data)) == 0:
                # Flags and mask of faulthandler's stay: its own stack serves when the stack has overflowed.
                ours = before.copy()
                ours[:8] = np.frombuffer(np.int64(handler.address or 0).tobytes(), np.uint8)
                action(one, int(ours.ctypes.data), 0)
    return True
