"""What this process is in its MPI world; nothing of MPI is touched outside an MPI launcher."""

from __future__ import annotations

import math
import os
import socket
import sys
from typing import Any

from casatools._base import log
from casatools._base.errors import UnsupportedError
from casatools._base.threads import ranks_on_host
from casatools._base.threads import under_launcher as _under_launcher

__all__ = ["MPIEnvironment"]

_LEVELS = {0: "MPI_THREAD_SINGLE", 1: "MPI_THREAD_FUNNELED", 2: "MPI_THREAD_SERIALIZED", 3: "MPI_THREAD_MULTIPLE"}


class MPIEnvironment:
    """Facts of the MPI world as class attributes; rank 0 is the client, the others are servers.

    On the client ``mpi_command_timeout`` may be set: the seconds that a later command may take on a server, 0 for any time;
    the environment variable ``CASAMPI_COMMAND_TIMEOUT`` gives its first value. ``CASAMPI_HEARTBEAT_TIMEOUT`` is the silence in
    seconds after which a server is given up.
    """

    hostname: str = socket.gethostname()
    mpi_initialized: bool = False
    mpi_world_size: int = 1
    mpi_processor_rank: int = 0
    mpi_pid: int = os.getpid()
    mpi_version_info: tuple[int, ...] = ()
    mpi_version_str: str = ""
    mpi_vendor_info: tuple[Any, ...] = ()
    mpi_vendor_str: str = ""
    mpi_vendor_version_str: str = ""
    mpi_thread_safe_level: int = 0
    mpi_thread_safe_level_str: str = _LEVELS[0]
    is_mpi_thread_safe: bool = False
    mpi_thread_safe_info_msg: str = ""
    mpi_buffer_size_in_mb: int = 150
    mpi_buffer_allocated: bool = False
    is_mpi_enabled: bool = False
    mpi_error_msg: str = ""
    mpi_client_rank: int = 0
    is_mpi_client: bool = False
    runs_in_rank: bool = True
    mpi_execution_role: str = ""
    mpi_info_msg: str = ""
    log_to_console: bool = False
    processor_origin: str = ""
    command_handling_log_level: str = "NORMAL"
    mpi_any_tag: int = -1
    mpi_any_source: int = -1
    mpi_probe_loop_sleep_time: float = 0.1
    mpi_monitor_status_service_heartbeat: float = 5.0
    mpi_monitor_status_service_timeout: float = 0.0
    mpi_command_timeout: float = 0.0

    @staticmethod
    def is_mpi_disabled_or_client() -> bool:
        """True in a serial process and on the client rank."""
        return not MPIEnvironment.is_mpi_enabled or MPIEnvironment.is_mpi_client

    @staticmethod
    def mpi_server_rank_list() -> list[int]:
        """Ranks of the servers."""
        return list(range(1, MPIEnvironment.mpi_world_size))

    @staticmethod
    def mpi_comm_world_factory() -> Any:
        """The world communicator; None outside MPI.

        Raises
        ------
        UnsupportedError
            In a command of a server, which runs in a process beside its rank.
        """
        if not MPIEnvironment.is_mpi_enabled:
            return None
        if not MPIEnvironment.runs_in_rank:
            raise UnsupportedError("commands run in a process beside the MPI rank of their server: they have no communicator")
        from mpi4py import MPI

        return MPI.COMM_WORLD

    @staticmethod
    def setup_logger(origin: str | None = None, show: bool | None = None) -> None:
        """Put the rank's name behind the origin of this process' messages; `show` writes them to the terminal too."""
        log.sink.processor = MPIEnvironment.processor_origin if origin is None else origin
        if show is not None:
            log.sink.to_terminal = show

    @staticmethod
    def finalize_mpi_environment() -> None:
        """Stop the servers and end MPI; called when the process ends."""
        if MPIEnvironment.is_mpi_enabled:
            from casampi import services

            services.stop()

    @staticmethod
    def abort_mpi_environment() -> None:
        """End every rank of the job at once, with a failure."""
        if MPIEnvironment.is_mpi_enabled:
            from casampi import services

            services.abort(1)


def _seconds(variable: str) -> float:
    """Seconds that an environment variable gives; 0 without it or, with a line about it, for what is no such number."""
    text = os.environ.get(variable, "")
    try:
        given = float(text or 0)
    except ValueError:
        given = math.nan
    if given >= 0 and math.isfinite(given):
        return given
    sys.stderr.write(f"environment variable {variable} must be a number of seconds; got {text!r}; it is left out\n")
    return 0.0


def _find_out() -> None:
    env = MPIEnvironment
    if not _under_launcher():
        env.mpi_info_msg = "not started by an MPI launcher: tasks run in this process"
        return
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # mpi4py raises RuntimeError where it finds no MPI library
        env.mpi_error_msg = f"started by an MPI launcher, but mpi4py cannot be used: {error}"
        return
    world = MPI.COMM_WORLD
    env.mpi_initialized = MPI.Is_initialized()
    env.mpi_world_size, env.mpi_processor_rank = world.Get_size(), world.Get_rank()
    env.mpi_version_info = MPI.Get_version()
    env.mpi_version_str = ".".join(map(str, env.mpi_version_info))
    env.mpi_vendor_info = MPI.get_vendor()
    env.mpi_vendor_str = env.mpi_vendor_info[0]
    env.mpi_vendor_version_str = ".".join(map(str, env.mpi_vendor_info[1]))
    level = MPI.Query_thread()
    env.mpi_thread_safe_level = level
    env.mpi_thread_safe_level_str = _LEVELS.get(level, str(level))
    env.is_mpi_thread_safe = level == MPI.THREAD_MULTIPLE
    env.mpi_thread_safe_info_msg = f"MPI grants {env.mpi_thread_safe_level_str}"
    env.mpi_any_tag, env.mpi_any_source = MPI.ANY_TAG, MPI.ANY_SOURCE
    # A world of one rank has no server: it works, serially.
    env.is_mpi_enabled = env.mpi_world_size > 1
    env.is_mpi_client = env.mpi_processor_rank == env.mpi_client_rank
    env.mpi_execution_role = "MPIClient" if env.is_mpi_client else "MPIServer"
    suffix = "" if env.is_mpi_client else f"-{env.mpi_processor_rank}"
    env.processor_origin = f"@{env.hostname}:{env.mpi_execution_role}{suffix}"
    env.mpi_info_msg = f"rank {env.mpi_processor_rank} of {env.mpi_world_size}, {ranks_on_host()} on this host"
    env.mpi_monitor_status_service_timeout = 3 * (1 + 3 + (env.mpi_world_size - 1) + 3 + 5)
    env.mpi_command_timeout = _seconds("CASAMPI_COMMAND_TIMEOUT")
    asked_s = _seconds("CASAMPI_HEARTBEAT_TIMEOUT")
    if asked_s:
        env.mpi_monitor_status_service_timeout = asked_s
        env.mpi_monitor_status_service_heartbeat = min(5.0, asked_s / 4)


_find_out()
