"""The logsink tool: messages to the log, their filter, and the threads and memory of the process."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from casatools._base import casarc, config, kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools._base.memory import limited_bytes, machine_bytes, set_memory
from casatools._base.threads import set_thread_count, thread_count
from casatools._base.version import INTERFACE, VERSION

__all__ = ["logsink"]

F = TypeVar("F", bound=Callable[..., Any])
Message = Annotated[str, kinds.Text(), "The message"]
Priority = Annotated[str, kinds.Text(), "SEVERE, WARN, INFO, INFO1 ... INFO5, DEBUG1, DEBUG2, DEBUGGING"]
Origin = Annotated[str, kinds.Text(), "Where it comes from; empty means the origin in force"]
UseAipsrc = Annotated[bool, kinds.Bool(), "The value set here or in ~/.casarc, rather than the machine's"]

# Cores that setNumCPUs has set; 0 means the machine's.
_cores = [0]


def _page_without_arguments(function: F) -> F:
    """CASA's showconsole() opens its log window, showconsole(True) writes to the terminal."""

    @functools.wraps(function)
    def call(self: logsink, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs) if args or kwargs else _show_page()

    return call  # type: ignore[return-value]


def _show_page() -> bool:
    if config.value("nologger"):
        log.post("the log page is not opened: the configuration option nologger is set", "INFO", "casalog")
        return False
    from casatools._base.local_page import show
    from casatools._base.log_page import page

    show(page(), "The log is shown at")
    return True


class logsink:
    """The log of the process; all instances write to the same one."""

    @method
    def post(self, message: Message, priority: Priority = "INFO", origin: Origin = "") -> bool:
        """Write a message to the log; False when the filter leaves it out."""
        return log.post(message, priority, origin)

    @method
    def postLocally(self, message: Message, priority: Priority = "INFO", origin: Origin = "") -> bool:
        """Write a message to the log of this process; False when the filter leaves it out."""
        return log.post(message, priority, origin)

    @method
    def origin(self, fromwhere: Origin = "") -> bool:
        """Set the origin of later messages."""
        log.set_origin(fromwhere)
        return True

    @method
    def getOrigin(self) -> str:
        """The origin of messages."""
        return log.current_origin()

    @method
    def processorOrigin(
        self, fromwhere: Annotated[str, kinds.Text(), "Name of the process, written after the origin"] = ""
    ) -> bool:
        """Set a text that is added to the origin of every message, such as an MPI rank."""
        log.sink.processor = fromwhere
        return True

    @method
    def filter(self, level: Priority = "DEBUG2") -> bool:
        """Let through only messages of this priority and above."""
        log.sink.threshold = log.priority_rank(level)
        return True

    @method
    def filterMsg(self, msgList: Annotated[list, kinds.TextList(), "Texts; a message with one of them is left out"] = []) -> None:  # noqa: B006
        """Leave out messages with one of these texts."""
        log.sink.filters.extend(text for text in msgList if text)

    @method
    def clearFilterMsgList(self) -> None:
        """Forget the texts of `filterMsg`."""
        log.sink.filters.clear()

    @method
    def logfile(self) -> str:
        """Path of the log file."""
        return log.sink.path

    @method
    def setlogfile(self, filename: Annotated[str, kinds.Text(empty=False), "Path of the log file"] = "casapy.log") -> bool:
        """Write later messages to another file.

        Raises
        ------
        DataError
            The file cannot be written.
        """
        folder = os.path.dirname(os.path.abspath(os.path.expanduser(filename)))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise DataError(f"the log file {filename!r} cannot be written: the folder {folder!r} is missing or not writable")
        log.sink.set_path(filename)
        return True

    @_page_without_arguments
    @method
    def showconsole(self, onconsole: Annotated[bool, kinds.Bool(), "Write messages to the terminal too"] = False) -> bool:
        """Write messages to the terminal too, or no longer; without any argument, open the log page in a browser.

        Returns
        -------
        bool
            False when the log page is asked for but the configuration (nologger) wants none.

        Notes
        -----
        The page is served on the loopback address to those who have its token; its address is printed, and opened unless the
        configuration wants no graphical programs (nogui).
        """
        log.sink.to_terminal = onconsole
        return True

    @method
    def setglobal(self, isglobal: Annotated[bool, kinds.Bool(), "Must be True: there is one log for the process"] = True) -> bool:
        """Make this the log of the process; it always is.

        Raises
        ------
        UnsupportedError
            A log of its own is asked for.
        """
        if not isglobal:
            raise UnsupportedError(
                "logsink.setglobal: parameter 'isglobal' must be True: all instances write to the one log; got False"
            )
        return True

    @method
    def id(self) -> str:
        """Kind of the global log."""
        return "TSLogSink"

    @method
    def localId(self) -> str:
        """Kind of the local log."""
        return "LogSinkInterface"

    @method
    def version(self) -> str:
        """Version of the interface and the suite, which is written to the log as well."""
        text = "CASA Version {}.{}.{}-{} ".format(*INTERFACE) + f"CASAtools:v{VERSION}"
        log.post(text)
        return text

    # -- the process --------------------------------------------------------------------------------------------------

    @method
    def getMemoryTotal(self, use_aipsrc: UseAipsrc = True) -> int:
        """Memory in kB."""
        return (limited_bytes() if use_aipsrc else 0) // 1024 or machine_bytes() // 1024

    @method
    def setMemoryTotal(self, memory: Annotated[int, kinds.Int(min=0), "Memory in MB; 0 is the machine's"] = 0) -> int:
        """Set the memory that computations plan with; gives what was set before, in kB."""
        return set_memory("kilobytes", memory * 1024)

    @method
    def setMemoryFraction(
        self, memfrac: Annotated[int, kinds.Int(min=0, max=100), "Per cent of the machine's memory; 0 is all"] = 0
    ) -> int:
        """Set the memory as a part of the machine's, which holds while `setMemoryTotal` sets none; gives the per cent set before."""
        return set_memory("percent", memfrac)

    @method
    def getNumCPUs(self, use_aipsrc: UseAipsrc = True) -> int:
        """Number of cores."""
        if use_aipsrc and _cores[0]:
            return _cores[0]
        if use_aipsrc and casarc.limit("cores"):
            return int(casarc.limit("cores"))
        return len(os.sched_getaffinity(0))

    @method
    def setNumCPUs(self, cores: Annotated[int, kinds.Int(min=0), "Cores; 0 is the machine's"] = 0) -> int:
        """Set the number of cores that computations use; gives the number set before."""
        set_thread_count(cores or None)
        previous, _cores[0] = _cores[0], cores
        return previous

    @method
    def ompGetNumThreads(self) -> int:
        """Threads that computations use."""
        return thread_count()

    @method
    def ompSetNumThreads(self, numThreads: Annotated[int, kinds.Int(), "Threads"] = 1) -> bool:
        """Set the threads that computations use."""
        if numThreads < 1:
            raise ParameterError(f"logsink.ompSetNumThreads: parameter 'numThreads' must be at least 1; got {numThreads}")
        set_thread_count(numThreads)
        return True

    @method
    def ompNumThreadsTest(self) -> int:
        """Threads that a parallel piece of work would use."""
        return thread_count()
