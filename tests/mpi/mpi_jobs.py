"""Functions that the MPI tests send to servers; servers import them by this module's name."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import threading
import time
from typing import Any

from casatools._base.errors import DataError


def square(x: float) -> float:
    time.sleep(0.02)
    return x * x


def where(x: int) -> int:
    from casampi.MPIEnvironment import MPIEnvironment

    time.sleep(0.1)
    return MPIEnvironment.mpi_processor_rank


def fail_on_two(x: int) -> int:
    from casampi.MPIEnvironment import MPIEnvironment

    if MPIEnvironment.mpi_processor_rank == 1 and x < 2:
        raise DataError("piece is bad")
    return x


def divide(a: float, b: float) -> float:
    return a / b


def leave() -> None:
    os._exit(0)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def vanish() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def freeze_rank() -> None:
    os.kill(os.getppid(), signal.SIGSTOP)


def block() -> None:
    """Sleep in C without giving the interpreter's lock back."""
    ctypes.PyDLL(None).sleep(120)


def spin() -> None:
    while True:
        pass


def spin_in_c() -> None:
    """Compute in C without giving the interpreter's lock back."""
    re.match("(a+)+$", "a" * 60 + "b")


def wait_for_itself() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def many_bytes() -> bytes:
    return b"x" * 3_000_000


def no_pickle() -> Any:
    return lambda: 1


class Strange:
    """Cannot be read where it arrives."""

    def __reduce__(self) -> Any:
        return (divide, (1.0, 0.0))


def strange() -> Any:
    return Strange()
