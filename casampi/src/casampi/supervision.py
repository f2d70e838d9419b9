"""A server's worker process as its rank sees it: given commands, watched, and ended when it can no longer work.

Launchers end the whole job when a rank dies, and a rank that hangs can say nothing; so a rank only supervises, and what may crash or hang
runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from casampi import packing, worker
from casampi.MPIEnvironment import MPIEnvironment
from casampi.wire import Message, SharedMemory, Wire
from casatools._base import config, log

__all__ = ["Worker"]

_STACK_S = 2.0
# Share of a core's time from which on a process counts as computing; threads that wait for the interpreter's lock wake up now and then.
_BUSY = 0.1


class Worker:
    """The process that runs this server's commands.

    Attributes
    ----------
    lost : str
        Why it can no longer work; "" while it can.
    aborts : int or None
        The exit code with which a command wants to end the job.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        out, into = (SharedMemory.made() if hasattr(os, "memfd_create") else None for _ in range(2))
        self._wire = Wire(ours, out, into)
        self._stacks = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        handles = (theirs.fileno(), self._stacks.fileno(), *(memory.handle if memory else -1 for memory in (out, into)))
        program = f"import sys; sys.path[:] = {sys.path!r}; from casampi.worker import main; main{handles!r}"
        flags = ["-O"] * sys.flags.optimize + [f"-W{text}" for text in sys.warnoptions]
        command = [sys.executable, *flags, "-c", program]
        self._process = subprocess.Popen(command, pass_fds=[h for h in handles if h >= 0], stdin=subprocess.DEVNULL)
        theirs.close()
        options = {name: (config.value(name), config.source(name)) for name in config.DEFAULTS}
        self._wire.send(worker.START, parts=packing.pack(worker.Start(list(sys.argv), _facts(), options, log.sink.path)))
        self.lost = ""
        self._answer: Message | None = None
        self.aborts: int | None = None
        self.command_id = 0
        self._limit_s = self._began = 0.0
        self._heard = self._looked = time.monotonic()
        self._asked, self._progress = self._heard, tuple[int, ...]()

    def room(self, length: int) -> bytearray | memoryview:
        """Memory for a packed command, shared with the process where there is such."""
        return self._wire.out.room(length) if self._wire.out is not None and not self.lost else bytearray(length)

    def give(self, number: int, limit_s: float, data: bytearray | memoryview) -> None:
        """Let it run a packed command, which lies in `room`, at most for `limit_s` seconds where that is more than 0."""
        self.command_id, self._limit_s, self._began = number, limit_s, time.monotonic()
        try:
            if isinstance(data, memoryview):
                self._wire.tell(worker.COMMAND, number, len(data))
            else:
                self._wire.send(worker.COMMAND, number, packing.split(data))
        except OSError:
            self._give_up(self._death())

    def take_answer(self) -> Message | None:
        """The answer of the command that it has finished; `answered` is to be called when it has been sent."""
        found, self._answer = self._answer, None
        return found

    def answered(self) -> None:
        """The answer is no longer needed."""
        if self._wire.into is not None:
            self._wire.into.done()

    def look(self, nap_s: float) -> None:
        """Take what it says, waiting for it at most `nap_s` seconds; notice its death, its silence and the end of the time it has."""
        if self.lost:
            time.sleep(nap_s)
            return
        now = time.monotonic()
        asleep_s = now - self._looked
        if asleep_s > MPIEnvironment.mpi_monitor_status_service_heartbeat:  # the whole job was stopped: the silence was ours
            self._heard += asleep_s
            self._began += asleep_s
        try:
            while self._wire.poll(nap_s):
                self._hear(self._wire.receive())
                nap_s = 0.0
        except (EOFError, OSError):
            self._give_up(self._death())
            return
        self._looked = now = time.monotonic()
        if self._limit_s and self.command_id and now - self._began > self._limit_s:
            self._give_up(f"the command took more than the {self._limit_s:g} s it was given")
        elif self._moves(now):
            self._heard = now
        elif now - self._heard > MPIEnvironment.mpi_monitor_status_service_timeout:
            self._give_up(f"the process has been silent for {now - self._heard:.0f} s")

    def end(self) -> bool:
        """Let it leave, waiting for it as long as a silence may last; True when it went well. Nothing can be asked of it later."""
        well = not self.lost
        if well:
            with contextlib.suppress(OSError):
                self._wire.send(worker.END)
            try:
                well = self._process.wait(MPIEnvironment.mpi_monitor_status_service_timeout) == 0
            except subprocess.TimeoutExpired:
                self._kill()
                well = False
        self._wire.close()
        self._stacks.close()
        return well

    def _hear(self, message: Message) -> None:
        self._heard = time.monotonic()
        if message.kind == worker.ANSWER:
            self._answer, self.command_id = message, 0
        elif message.kind == worker.ABORT:
            self.aborts = message.number

    def _moves(self, now: float) -> bool:
        """True when it has computed, waited for a core or moved data since the last question: compiled code that keeps the interpreter's lock cannot beat."""
        waited_s = now - self._asked
        if waited_s < MPIEnvironment.mpi_monitor_status_service_heartbeat:
            return False
        self._asked = now
        folder = Path(f"/proc/{self._process.pid}")
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            moved = [int(line.split()[1]) for line in (folder / "io").read_text().splitlines()[:2]]
            queued_ns = _queued_ns(folder)
        except (OSError, ValueError):  # no such files on this system: only the beat tells
            return False
        before, self._progress = self._progress, (int(fields[11]) + int(fields[12]), queued_ns, *moved)
        if not before:
            return False
        busy_s = (self._progress[0] - before[0]) / os.sysconf("SC_CLK_TCK") + (queued_ns - before[1]) / 1e9
        return self._progress[2:] != before[2:] or busy_s > _BUSY * waited_s

    def _death(self) -> str:
        try:
            code = self._process.wait(_STACK_S)
        except subprocess.TimeoutExpired:
            return "the process has closed its connection"
        if code >= 0:
            return f"the process ended with exit code {code}"
        with contextlib.suppress(ValueError):
            return f"the process was ended by {signal.Signals(-code).name}"
        return f"the process was ended by signal {-code}"

    def _give_up(self, why: str) -> None:
        if self._process.poll() is None:
            self._ask_stack()
            self._kill()
        self._stacks.seek(0)
        stack = _of_commands(self._stacks.read().decode(errors="replace"))
        self.lost = why + (f"; it was at\n{stack}" if stack else "")

    def _ask_stack(self) -> None:
        """Have it write the Python stacks of all its threads, by a handler that needs no lock of the interpreter."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGUSR1)
            self._process.send_signal(signal.SIGCONT)  # a stopped process takes signals only when it goes on
        deadline, size = time.monotonic() + _STACK_S, -1
        while time.monotonic() < deadline:
            time.sleep(0.05)
            before, size = size, os.fstat(self._stacks.fileno()).st_size
            if size and size == before:
                break

    def _kill(self) -> None:
        self._process.kill()  # it must not wake up later and write into data that others have gone on with
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STACK_S)


def _queued_ns(folder: Path) -> int:
    """How long the main thread of a process, which runs the commands, has waited for a core while others had them; 0 where Linux keeps no account."""
    account = folder / "schedstat"
    return int(account.read_text().split()[1]) if account.exists() else 0


def _facts() -> dict[str, Any]:
    """The rank's environment without what is not plain data."""
    plain = (str, bool, int, float, tuple, type(None))
    return {n: v for n, v in vars(MPIEnvironment).items() if not n.startswith("_") and isinstance(v, plain)}


def _of_commands(stacks: str) -> str:
    """Stacks without that of the thread that beats."""
    return "\n\n".join(part for part in stacks.strip().split("\n\n") if " in _beat\n" not in part)
