"""Functions that the MPI tests send to servers; servers import them by this module's name."""

from __future__ import annotations

import os
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


def freeze(unused: Any = None) -> None:
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)
